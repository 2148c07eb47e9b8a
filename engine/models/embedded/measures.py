"""All figures of a model, kept beside its weights, and which of two models is the better by them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.models.embedded.checkpoint import replacing
from engine.models.embedded.likelihood import Likelihood
from engine.models.embedded.recipe import TrainingError
from engine.models.embedded.speed import Speed
from engine.models.embedded.writing import Writing

MEASURES = "measures.jsonl"
"""One figure a line. Not `.json`: what tells a model's files from another's (`engine.models.fingerprint`) reads
those, and a model measured again is still the same model."""

PERPLEXITY_SLACK = 1.05
"""A model that writes of more things may do one kind of text a little worse."""
# Twice what chance makes of the difference of two models: with other seeds, four times over, the standard deviation
# of one model's share of English words was 0.0044 at temperature 1.2, and of its different pairs over all texts 0.019.
ENGLISH_SLACK = 0.012
DISTINCT_SLACK = 0.03


@dataclass(frozen=True, slots=True)
class Sample:
    """An opening and what the model wrote after it, at its first try."""

    opening: str
    text: str


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures of one model."""

    weights: str
    """SHA-256 of the weights that were measured."""
    likelihoods: tuple[Likelihood, ...]
    writings: tuple[Writing, ...]
    """By temperature; the last may be of text that people wrote, to compare."""
    samples: tuple[Sample, ...]
    speed: Speed

    def texts(self) -> dict[str, str]:
        """The sums of the texts that the model was asked to foretell, by kind."""
        return {each.text: each.sha256 for each in self.likelihoods}


def save(folder: Path, measures: Measures, card: str) -> None:
    """Write the figures and the card that tells them. Raises TrainingError if the folder cannot be written."""
    figures: list[Any] = [*measures.likelihoods, *measures.writings, measures.speed, *measures.samples]
    rows: list[dict[str, Any]] = [{"measure": "weights", "sha256": measures.weights}]
    rows += [{"measure": type(each).__name__.lower(), **asdict(each)} for each in figures]
    with replacing(folder) as temporary:
        (temporary / MEASURES).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        (temporary / "README.md").write_text(card, encoding="utf-8")


def read(folder: Path) -> Measures | None:
    """The figures kept in a folder, or None. Raises TrainingError if they cannot be read."""
    path = folder / MEASURES
    if not path.exists():
        return None
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        kinds: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            kinds.setdefault(row.pop("measure"), []).append({name: _frozen(value) for name, value in row.items()})
        return Measures(
            weights=kinds["weights"][0]["sha256"],
            likelihoods=tuple(Likelihood(**row) for row in kinds["likelihood"]),
            writings=tuple(Writing(**row) for row in kinds["writing"]),
            samples=tuple(Sample(**row) for row in kinds["sample"]),
            speed=Speed(**kinds["speed"][0]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainingError(f"{path} cannot be read: {type(error).__name__}; measure with --again") from error


def faults(new: Measures, old: Measures) -> Iterator[str]:
    """Why `new` does not take the place of `old`, a line each; nothing if it is the better one.

    It must foretell unseen text better, and may lose nothing else that can be told from chance:

    - the geometric mean of its perplexities per word is the lower, and none is more than 5% higher;
    - at no temperature is the share of English words more than 1.2 percentage points lower;
    - the share of different pairs of words, within a text and over all, is not more than 0.03 lower,
      as a mean of the temperatures.

    Raises TrainingError if the two were not measured on the same texts.
    """
    if new.texts() != old.texts():
        raise TrainingError("the two were measured on different texts: give both the same --text")
    ours, theirs = _perplexities(new), _perplexities(old)
    if _geometric_mean(ours) >= _geometric_mean(theirs):
        yield f"its mean perplexity a word is {_geometric_mean(ours):.1f}, no less than {_geometric_mean(theirs):.1f}"
    for text, value in ours.items():
        if value > PERPLEXITY_SLACK * theirs[text]:
            yield f"its perplexity a word on {text} is {value:.2f}, far above {theirs[text]:.2f}"
    mine, yours = _by_temperature(new), _by_temperature(old)
    for temperature, writing in mine.items():
        share, before = writing.english_share, yours[temperature].english_share
        if share < before - ENGLISH_SLACK:
            yield f"at temperature {temperature} {share:.1%} of its words are English, well below {before:.1%}"
    for name, of in (("within a text", "within"), ("over all texts", "over_all")):
        share, before = (_mean_pairs(each, of) for each in (mine, yours))
        if share < before - DISTINCT_SLACK:
            yield f"its share of different pairs of words {name} is {share:.3f}, well below {before:.3f}"


def _perplexities(measures: Measures) -> dict[str, float]:
    return {each.text: each.perplexity_per_word for each in measures.likelihoods}


def _geometric_mean(values: Mapping[str, float]) -> float:
    return math.exp(sum(map(math.log, values.values())) / len(values))


def _by_temperature(measures: Measures) -> dict[float, Writing]:
    return {each.temperature: each for each in measures.writings if each.temperature is not None}


def _mean_pairs(writings: Mapping[float, Writing], of: str) -> float:
    return sum(getattr(each, of)[1] for each in writings.values()) / len(writings)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
