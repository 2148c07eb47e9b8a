"""Running a record again to see whether it still comes out the same: what is told of it, on the way and at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError, one_line
from engine.events import Level, Token
from engine.session.record import open_record
from engine.session.verdict import RunVerdict

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_TOLD_EVERY = 20  # tokens
_ENVIRONMENT = 3  # lines


@dataclass(frozen=True, slots=True)
class VerifyJob:
    """Run a record again with the loaded model. Whatever is asked for after it ends it."""

    path: Path


@dataclass(frozen=True, slots=True)
class Verifying:
    """So many tokens of so many have come again."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it, a line each."""

    level: Level
    lines: tuple[str, ...]


def verified(job: VerifyJob, model: LoadedModel, has_to_end: Callable[[], bool]) -> Iterator[Verifying | Verified]:
    """How far it has come, now and then, and at last what came of it. The model's own cache is not touched."""
    from engine.session.replay import OneModel, replay

    try:
        record = open_record(job.path)
        total, done = sum(run.told for run in record.runs), 0
        verdicts: list[RunVerdict] = []
        for item in replay(record, OneModel(model)):
            if has_to_end():
                yield Verified("info", ("The verification was left, since something else was asked for.",))
                return
            if isinstance(item, RunVerdict):
                verdicts.append(item)
            elif isinstance(item.event, Token):
                done += 1
                if done % _TOLD_EVERY == 0:
                    yield Verifying(done, total)
    except EngineError as error:
        yield Verified("error", (one_line(error),))
        return
    yield _outcome(verdicts)


def _outcome(verdicts: list[RunVerdict]) -> Verified:
    tokens = sum(verdict.tokens for verdict in verdicts)
    differing = [verdict for verdict in verdicts if verdict.difference is not None]
    failed = [verdict for verdict in verdicts if verdict.error]
    if not differing and not failed:
        return Verified("info", (f"Identical: {len(verdicts)} of {len(verdicts)} runs, {tokens:,} tokens.",))
    lines = [f"Different: {verdict.difference}." for verdict in differing[:1]]
    lines += [f"Run {verdict.run + 1} was not run again: {verdict.error}." for verdict in failed[:1]]
    around = dict.fromkeys(line for verdict in verdicts for line in verdict.environment)
    return Verified("warning", (*lines, *(f"Around it: {line}." for line in list(around)[:_ENVIRONMENT])))
