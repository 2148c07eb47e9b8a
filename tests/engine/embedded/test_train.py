from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from engine.models.embedded.checkpoint import RESUME
from engine.models.embedded.loop import Event, Exported, Job, Prepared, Progress, Sampled, _prepare, train
from engine.models.embedded.model import build_optimisers
from engine.models.embedded.recipe import Recipe, TrainingError
from engine.models.embedded.sample import OPENINGS
from engine.models.embedded.train import main

from .tiny import TINY, TINY_ARGUMENTS, write_folder


def job(text: Path, out: Path, steps: int = 4) -> Job:
    return Job(text, out, steps=steps, report_every=1, evaluate_every=2, save_every=2, evaluation_windows=1)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def finished(text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    out = tmp_path_factory.mktemp("finished")
    return out, list(train(job(text, out), TINY))


def test_a_run_tells_what_it_does(finished: tuple[Path, list[Event]]) -> None:
    out, events = finished
    assert isinstance(events[0], Prepared)
    assert events[0].step == 0
    steps = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in steps] == [1, 2, 3, 4]
    assert all(math.isfinite(event.loss) and event.seconds_left >= 0 for event in steps)
    assert not steps[0].held_out
    assert steps[-1].held_out["tales"] > 0
    read = [event for event in events if isinstance(event, Sampled)]
    assert [(event.step, event.opening) for event in read] == [(2, OPENINGS[0]), (4, OPENINGS[1])]
    assert any(event.text for event in read)
    assert events[-1] == Exported(out, True, events[-1].held_out, 4)  # type: ignore[union-attr]


def test_a_finished_folder_is_an_ordinary_checkpoint(finished: tuple[Path, list[Event]]) -> None:
    out, _ = finished
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.jsonl",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o644}
    assert {tensor.dtype for tensor in weights(out).values()} == {torch.float16}
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "--steps 4" in card
    assert "--set width=16" in card
    assert " processor thread" in card


def stop_after(events: Iterator[Event], step: int) -> None:
    for event in events:
        if isinstance(event, Progress) and event.step == step:
            return


def test_a_stopped_run_ends_with_the_weights_of_an_unbroken_one(
    text: Path, tmp_path: Path, finished: tuple[Path, list[Event]]
) -> None:
    events = train(job(text, tmp_path), TINY)
    stop_after(events, 3)  # saved at step 2
    events.close()  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == [RESUME]
    again = list(train(job(text, tmp_path), TINY))
    assert isinstance(again[0], Prepared)
    assert again[0].step == 2
    unbroken = weights(finished[0])
    resumed = weights(tmp_path)
    assert unbroken.keys() == resumed.keys()
    assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)


def test_another_seed_gives_other_weights(text: Path, tmp_path: Path, finished: tuple[Path, list[Event]]) -> None:
    list(train(job(text, tmp_path, steps=1), TINY.changed({"seed": "2"})))
    name = "transformer.wte.weight"
    assert not torch.equal(weights(tmp_path)[name], weights(finished[0])[name])


def test_the_command(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["--text", str(text), "--out", str(out), "--steps", "20", "--mix", "tales=1", *TINY_ARGUMENTS]
    assert main(command) == 0
    prepared, progress, exported = capsys.readouterr().out.splitlines()
    assert prepared.startswith("tokens: tales ")
    assert progress.startswith("step 20  loss ")
    assert progress.endswith("0:00 left")
    assert exported.startswith("final model in ")
    assert main(command) == 2
    assert "already holds a finished model" in capsys.readouterr().err


def test_training_by_the_clock_writes_an_early_model(text: Path, tmp_path: Path) -> None:
    by_clock = Job(text, tmp_path, minutes=0.005, early_minutes=0.0001)
    exported = [event for event in train(by_clock, TINY) if isinstance(event, Exported)]
    assert [event.final for event in exported] == [False, True]
    assert "--minutes 0.005" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_length_is_asked_for_once(text: Path, tmp_path: Path) -> None:
    for length in (Job(text, tmp_path), Job(text, tmp_path, steps=1, minutes=1.0)):
        with pytest.raises(TrainingError, match="either"):
            next(train(length, Recipe()))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "0"], "'0' is not a positive whole number"),
        (["--steps", "some"], "'some' is not a positive whole number"),
        (["--minutes", "nan"], "'nan' is not a positive number"),
        (["--steps", "1", "--mix", "tales"], "'tales' is not NAME=SHARE"),
        (["--steps", "1", "--set", "width"], "'width' is not NAME=VALUE"),
        ([], "one of the arguments --steps --minutes is required"),
    ],
)
def test_bad_options_are_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--text", "in", "--out", "out", *arguments])
    assert said in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_run_goes_on_on_another_device(text: Path, tmp_path: Path) -> None:
    stop_after(train(job(text, tmp_path), TINY), 3)
    *_, exported = train(replace(job(text, tmp_path), device="cuda"), TINY)
    assert isinstance(exported, Exported) and math.isfinite(exported.held_out["tales"])
    assert all(tensor.device.type == "cpu" for tensor in weights(tmp_path).values())


def test_a_step_keeps_to_the_device_of_the_model(text: Path, tmp_path: Path) -> None:
    """On the device that has no numbers, where mixing it with another fails, as on a GPU, and so does asking for one.

    The library's network asks, so a smaller one stands in for it; and there is no bfloat16 there.
    """
    recipe = TINY.changed({"loop_windows": "1", "bfloat16": "false"})
    run = _prepare(job(text, tmp_path), recipe)

    def network(input_ids: torch.Tensor, use_cache: bool) -> SimpleNamespace:
        hidden = run.model.transformer.h[0].mlp(run.model.transformer.wte(input_ids))
        return SimpleNamespace(logits=run.model.lm_head(hidden))

    run.device = torch.device("meta")
    run.model.to(run.device)
    run.optimisers = build_optimisers(run.model, recipe)
    assert run.learn(network).device == run.device
    assert run.step == 1
    states = [value for o in run.optimisers for state in o.state.values() for value in state.values()]
    moments = [value for value in states if isinstance(value, torch.Tensor) and value.ndim]
    assert moments and all(value.device == run.device for value in moments)
    run.device = torch.device("cpu")
    with pytest.raises(RuntimeError):
        run.learn(network)
