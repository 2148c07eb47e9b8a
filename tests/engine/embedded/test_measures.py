from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.models.embedded import measure, speed
from engine.models.embedded.likelihood import Likelihood
from engine.models.embedded.measured_card import with_measures
from engine.models.embedded.measures import MEASURES, Measures, Sample, faults, read, save
from engine.models.embedded.recipe import TrainingError
from engine.models.embedded.speed import Speed
from engine.models.embedded.writing import Writing

from .tiny import trained

WRITING = Writing(0.8, (500, 500), (490, 490), 20, (0.8, 0.9, 1.0), (0.4, 0.8, 1.0))
FIGURES = Measures(
    weights="ab" * 32,
    likelihoods=(Likelihood("plain", "1", 6000.0, 1500, 1000, 5000), Likelihood("prose", "2", 700.0, 150, 100, 500)),
    writings=(replace(WRITING, temperature=0.3), WRITING, replace(WRITING, temperature=None)),
    samples=(Sample("Dear Sir,", ' "How?"\n## Not a heading'), Sample("Rain", "")),
    speed=Speed(0.1, 123.4),
)
Change = Callable[[Measures], Measures]


def with_nats(*nats: float) -> Change:
    return lambda old: replace(
        old, likelihoods=tuple(replace(each, nats=value) for each, value in zip(old.likelihoods, nats, strict=True))
    )


def with_writing(**values: object) -> Change:
    """The better likelihoods, and something else at temperature 0.8."""
    return lambda old: replace(
        with_nats(5000, 690)(old),
        writings=(old.writings[0], replace(old.writings[1], **values), old.writings[2]),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_nats(6000, 700), "its mean perplexity a word is 665.1, no less than 665.1"),
        (with_nats(6010, 699.9), "its mean perplexity a word is 668.1"),
        (with_nats(5000, 706), "its perplexity a word on prose is 1164.45, far above 1096.63"),
        (with_writing(english=(470, 490)), "at temperature 0.8 96.0% of its words are English, well below 98.0%"),
        (with_writing(within=(0.8, 0.8, 1.0)), "different pairs of words within a text is 0.850, well below 0.900"),
        (with_writing(over_all=(0.4, 0.7, 1.0)), "different pairs of words over all texts is 0.750, well below 0.800"),
    ],
)
def test_a_model_that_is_worse_in_something_is_told_from_a_better_one(change: Change, said: str) -> None:
    (fault,) = faults(change(FIGURES), FIGURES)
    assert said in fault


@pytest.mark.parametrize(
    "change",
    [
        with_nats(5999, 700),
        with_nats(5000, 704),
        with_writing(english=(486, 490), within=(0.1, 0.87, 0.1), over_all=(0.1, 0.77, 0.1)),
    ],
)
def test_a_better_model_may_differ_within_what_chance_makes(change: Change) -> None:
    assert list(faults(change(FIGURES), FIGURES)) == []


def test_figures_of_other_texts_are_not_compared() -> None:
    with pytest.raises(TrainingError, match="different texts"):
        list(faults(FIGURES, replace(FIGURES, likelihoods=FIGURES.likelihoods[:1])))


def test_figures_come_back_from_their_file(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    save(tmp_path, FIGURES, "# A card\n")
    assert read(tmp_path) == FIGURES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", MEASURES]
    for damaged in ("{", '{"measure": "speed"}\n', "[]\n", '{"measure": "weights", "sha256": "1"}\n'):
        (tmp_path / MEASURES).write_text(damaged, encoding="utf-8")
        with pytest.raises(TrainingError, match=r"measures\.jsonl cannot be read: .*--again"):
            read(tmp_path)


def test_the_measured_sections_of_a_card_are_made_anew_and_the_others_kept() -> None:
    kept = "# A model\n\nSmall.\n\n## Use\n\nWith care.\n\n## Text and held-out loss\n\nTales.\n"
    card = with_measures(f"{kept}\n## Samples\n\n> **Once** was.\n", FIGURES)
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings == ["## Use", "## Measured", "## Text and held-out loss", "## Samples"]
    assert "Small.\n" in card and "With care.\n" in card and "Tales.\n" in card and "**Once**" not in card
    assert "| plain | 1,000 | 403.43 | 1.731 | 54.60 |" in card
    assert "| temperature 0.8 | 1,000 | 98.0% | 0.800 / 0.900 / 1.000 | 0.400 / 0.800 / 1.000 (20) |" in card
    assert '> **Dear Sir,** "How?"\n> ## Not a heading\n' in card
    assert "0.10 s" in card and "123 tokens a second" in card
    assert with_measures(card, FIGURES) == card


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_ROUNDS", 1)
    monkeypatch.setattr(measure, "TEMPERATURES", (1.2,))
    model, other, text = trained(tmp_path), trained(tmp_path, seed=2), str(tmp_path / "text")
    command = ["--model", str(model), "--text", text]
    assert measure.main([*command, "--write"]) == 0
    told = capsys.readouterr()
    assert "| tales |" in told.out and "| plain sentences |" in told.out and "writing at temperature 1.2" in told.err
    card = (model / "README.md").read_text(encoding="utf-8")
    assert all(line in card for line in told.out.splitlines() if line.startswith("|"))
    assert "## Measured" in card and "## Recipe" in card and "**Once upon a time**" in card

    assert measure.main(command) == 0
    assert capsys.readouterr() == (told.out, ""), "what is known of these weights is not measured again"
    status = measure.main([*command, "--against", str(other)])
    verdict = capsys.readouterr().out.splitlines()[-5:]
    assert any(line.startswith(f"{model} is {'not ' if status else ''}better than {other}") for line in verdict)
    assert measure.main([*command, "--against", str(model)]) == 1, "no model is better than itself"

    (model / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    assert measure.main(command) == 0
    assert "foretelling tales" in capsys.readouterr().err, "other weights are measured anew"


def test_what_cannot_be_measured_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    for arguments, said in (
        (["--model", str(tmp_path / "absent")], "is not a folder"),
        (["--model", str(tmp_path / "empty")], "empty"),
        (["--text", str(tmp_path / "empty")], "holds no text"),
    ):
        assert measure.main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("measure: ") and said in error and error.count("\n") == 1
