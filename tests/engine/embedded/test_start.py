"""A run that goes on from a finished model: one short run after another adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.models.embedded.checkpoint import RESUME, WEIGHTS
from engine.models.embedded.history import HISTORY, read_history, steps, write_history
from engine.models.embedded.loop import Job, Prepared, Progress, train
from engine.models.embedded.recipe import TrainingError
from engine.models.embedded.train import main
from engine.models.fingerprint import file_sum

from .tiny import TINY, trained, write_folder

ON = TINY.changed({"adam_rate": "0.001", "loop_windows": "1"})


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return trained(tmp_path)


def go_on(first: Path, out: Path, recipe: object = ON, **changes: object) -> list[object]:
    job = Job(first.parent / "text", out, steps=3, report_every=1, save_every=2, start=first)
    return list(train(replace(job, **changes), recipe))  # type: ignore[arg-type]


def test_the_second_run_keeps_the_tokenizer_and_tells_of_both(first: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    go_on(first, out)
    assert (out / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()
    one, two = read_history(out)
    assert (one,) == read_history(first)
    assert (one.start, two.start) == ("", file_sum(first / WEIGHTS))
    assert (one.steps, two.steps, steps(read_history(out))) == (2, 3, 5)
    assert (one.recipe, two.recipe) == (TINY, ON)
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "Trained from nothing on the text below: 2 runs, 5 steps" in card
    assert "| loop_windows | 0 | 1 |" in card and "DITTO" in card
    assert "--out RUN1" in card and "--out MODEL \\\n        --steps 3 --from RUN1 \\\n" in card
    # Of the second command only what differs from the first run is named.
    assert card.count("--set width=16") == 1 and "--set loop_windows=1" in card
    assert "DITTO" not in (first / "README.md").read_text(encoding="utf-8")


def test_a_run_that_learns_nothing_keeps_the_weights(first: Path, tmp_path: Path) -> None:
    still = TINY.changed({"adam_rate": "0", "muon_rate": "0"})
    go_on(first, tmp_path / "out", still)
    before, after = load_file(first / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_its_windows_are_those_after_the_first_run(first: Path, tmp_path: Path) -> None:
    """A run of no learning, three steps on from two, has the losses of steps 2 to 4 and not of 0 to 2 again."""
    still = TINY.changed({"adam_rate": "0", "muon_rate": "0"})
    losses = [event.loss for event in go_on(first, tmp_path / "on", still) if isinstance(event, Progress)]
    history = read_history(first)
    none = tmp_path / "none"
    none.mkdir()
    for file in first.iterdir():
        (none / file.name).write_bytes(file.read_bytes())
    write_history(none, [replace(history[0], steps=0)])
    text = first.parent / "text"
    over = [
        event.loss
        for event in train(Job(text, tmp_path / "over", steps=5, report_every=1, start=none), still)
        if isinstance(event, Progress)
    ]
    assert losses == over[2:] and losses != over[:3]


def test_a_stopped_second_run_ends_with_the_weights_of_an_unbroken_one(first: Path, tmp_path: Path) -> None:
    job = Job(first.parent / "text", tmp_path / "broken", steps=3, report_every=1, save_every=2, start=first)
    events = train(job, ON)
    for event in events:
        if isinstance(event, Progress) and event.step == 2:
            next(events)  # saved
            break
    events.close()  # type: ignore[attr-defined]
    assert [path.name for path in job.out.iterdir()] == [RESUME]
    prepared, *_ = train(job, ON)
    assert isinstance(prepared, Prepared) and prepared.step == 2
    go_on(first, tmp_path / "unbroken")
    assert (job.out / WEIGHTS).read_bytes() == (tmp_path / "unbroken" / WEIGHTS).read_bytes()


def test_a_saved_run_with_another_beginning(first: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    next(train(Job(first.parent / "text", out, steps=1), ON))
    with pytest.raises(TrainingError, match="did not begin with the weights"):
        go_on(first, out)


def unknown(folder: Path) -> None:
    (folder / HISTORY).unlink()


def torn(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:1000])


def cut_history(folder: Path) -> None:
    (folder / HISTORY).write_text((folder / HISTORY).read_text(encoding="utf-8")[:100], encoding="utf-8")


def poorer(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["transformer.ln_f.weight"]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def other_size(folder: Path) -> None:
    (row,) = read_history(folder)
    write_history(folder, [replace(row, recipe=row.recipe.changed({"layers": "2"}))])


@pytest.mark.parametrize(
    ("spoil", "settings", "said"),
    [
        (None, ["--set", "width=32"], "its width is 16, this run's is 32"),
        (None, ["--set", "held_out_every=20"], "its held_out_every is 10, this run's is 20"),
        (unknown, [], f"it has no {HISTORY}"),
        (cut_history, [], f"{HISTORY} cannot be read: JSONDecodeError"),
        (torn, [], "cannot be read: "),
        (poorer, [], "does not hold the weights of a whole GPT-2"),
        (other_size, [], "is not of the size that its history tells"),
    ],
)
def test_a_bad_beginning(
    spoil: object, settings: list[str], said: str, first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if callable(spoil):
        spoil(first)
    out = tmp_path / "out"
    arguments = ["--text", str(first.parent / "text"), "--from", str(first), "--out", str(out), "--steps", "1"]
    assert main([*arguments, *settings]) == 2
    error = capsys.readouterr().err
    assert error.startswith("train: ") and said in error and error.count("\n") == 1
    assert not out.exists()


def test_another_text_under_the_name_of_one_it_learned_from(first: Path, tmp_path: Path) -> None:
    other = write_folder(tmp_path / "other", 60)
    with pytest.raises(TrainingError, match="learned from another tales"):
        list(train(Job(other, tmp_path / "out", steps=1, start=first), ON))
    assert not (tmp_path / "out").exists()
    (other / "tales.txt").rename(other / "more.txt")
    list(train(Job(other, tmp_path / "out", steps=1, start=first), ON))
    assert set(read_history(tmp_path / "out")[-1].texts) == {"more"} and "| more | 0%, 100% |" in (
        tmp_path / "out" / "README.md"
    ).read_text(encoding="utf-8")


def test_the_command_takes_the_recipe_of_the_first_run(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = [
        "--text",
        str(first.parent / "text"),
        "--from",
        str(first),
        "--out",
        str(out),
        "--steps",
        "1",
        "--set",
        "clip=0.5",
    ]
    assert main(command) == 0
    assert read_history(out)[-1].recipe == TINY.changed({"clip": "0.5"})
    assert "final model" in capsys.readouterr().out
