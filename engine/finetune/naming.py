"""Where a run's result goes, and whether what lies unfinished there is the same run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from engine.errors import EngineError, shown
from engine.finetune.job import OPTIONS, Job
from engine.finetune.room import check_writable
from engine.finetune.text import Text
from engine.finetune.workplace import Workplace, described, out_of, unfinished
from engine.models.places import own_models
from engine.models.resolve import EMBEDDED
from engine.text_files import shown_path


def workplace_for(job: Job, text: Text) -> Workplace:
    """The job's place, entered: that of an unfinished run of the same job, or a new one.

    Nothing is written over. Raises `EngineError` where the place that was asked for is taken, is another run's, or
    cannot be written.
    """
    if job.out is None:
        place = next(place for place in _free(job) if not _other(place, job, text))
    else:
        place = Workplace(out_of(job.out.expanduser().absolute()))
        if place.out.exists():
            raise EngineError(f"{shown_path(place.out)}: is there already; name another folder with --out")
    check_writable(place.out.parent)
    place.enter()
    try:
        other = _difference(place, job, text)
    except EngineError:
        place.leave()
        raise
    if other:
        place.leave()
        raise EngineError(f"{shown_path(place.folder)}: is of another run: {other}; name another folder with --out")
    return place


def job_of(place: Workplace) -> Job:
    """The job of an unfinished run, to be gone on with. Raises `EngineError` where there is none."""
    facts = place.description()
    if facts is None:
        raise EngineError(f"{shown_path(place.folder)}: holds no unfinished run")
    try:
        plain: Mapping[str, Any] = {**facts["job"], "out": str(place.out)}
        return Job.from_plain(plain)
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"{shown_path(place.folder)}: no job can be read from it") from error


def newest() -> Workplace:
    """The unfinished run that was begun last among the user's own models. Raises `EngineError` where there is none."""
    found = unfinished(own_models())
    if not found:
        raise EngineError(f"{shown_path(own_models())}: holds no unfinished run")
    return found[0]


def _free(job: Job) -> Iterator[Workplace]:
    name = f"{_word(job.text.stem)}-{_word(_base_name(job.model))}{'-lora' if job.lora else ''}"
    for number in count(1):
        place = Workplace(own_models() / (name if number == 1 else f"{name}-{number}"))
        if not place.out.exists() and not place.taken:
            yield place


def _other(place: Workplace, job: Job, text: Text) -> bool:
    try:
        return bool(_difference(place, job, text))
    except EngineError:
        return True


def _difference(place: Workplace, job: Job, text: Text) -> str:
    """What of an unfinished run is not as this job asks for; empty where all is, or where nothing was begun."""
    facts = described(place.folder)
    if facts is None:
        return ""
    try:
        old, plan, sha256 = Job.from_plain(facts["job"]), facts["plan"], facts["text"]["sha256"]
    except (KeyError, TypeError, ValueError):
        return "no job can be read from it"
    if sha256 != text.sha256:
        return "its text is another one"
    if (old.model or EMBEDDED) != (job.model or EMBEDDED):
        return f"its model is {shown(old.model or EMBEDDED)}"
    for name in ("lora", "start", "dtype"):
        if getattr(old, name) != getattr(job, name):
            return f"its {name} is {shown(getattr(old, name))}, this one's is {shown(getattr(job, name))}"
    for name in OPTIONS.keys() - {"at_once"}:  # which changes no more than roundings
        asked = getattr(job, name)
        if asked is not None and asked not in (getattr(old, name), plan.get(name)):
            return f"its {name} is {shown(plan.get(name))}, this one's is {shown(asked)}"
    return ""


def _base_name(model: str | None) -> str:
    return Path(model or EMBEDDED).name


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:40] or "text"
