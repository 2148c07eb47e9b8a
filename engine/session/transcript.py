"""A transcript: JSON lines, appended and flushed as things happen, so that a crash loses nothing that was shown.

Each line is an object with the key `event`. A file holds one session: a `run` line for each run, then what happened
in it. A reader skips events that it does not know and a last line that was cut short. The raw text is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from platformdirs import user_data_path

from engine.errors import TranscriptError
from engine.events import (
    Beams,
    Changed,
    Compared,
    Contrasted,
    Drafted,
    Event,
    Failed,
    Finished,
    Forgot,
    Note,
    Noted,
    Prefilled,
    Prepared,
    Token,
)
from engine.session.holding import hold
from engine.settings import Settings

VERSION = 1


def new_path() -> Path:
    """A fresh name in the user's data folder: the date, the time and this process."""
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return user_data_path("textgen-tui") / "transcripts" / f"{stamp}_{os.getpid()}.jsonl"


class Transcript:
    """An open transcript.

    The file is made with the first line, for its owner alone (mode 0600), and with `make_folder` the folder it is to
    lie in. Raises `TranscriptError` where it cannot be written; after that the transcript stays usable and keeps
    trying, so a disk that has room again is used again.
    """

    def __init__(self, path: Path, *, make_folder: bool = False) -> None:
        self.path = path
        self._make_folder = make_folder
        self._file: TextIO | None = None

    def open(self) -> None:
        """Make the file now, rather than with the first line."""
        if self._file is None:
            with self._told():
                if self._make_folder:
                    self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file = _opened(self.path)

    def run(self, *, model: dict[str, Any], prompt: str, settings: Settings, **more: Any) -> None:
        """Begin a run: what generated, from which prompt, under which settings."""
        self.write(
            "run",
            version=VERSION,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            model=model,
            settings=settings.to_dict(),
            seed=settings.seed,
            prompt=prompt,
            **more,
        )

    def event(self, event: Event) -> None:
        """Write one event of `generate`; waiting in a pause is told by `pause` once and is not an event of its own."""
        for name, fields in as_lines(event):
            self.write(name, **fields)

    def write(self, event: str, /, **fields: Any) -> None:
        """Append one line and flush it."""
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=True)
        self.open()
        assert self._file is not None
        with self._told():
            # Lone surrogates cannot be encoded; JSON's own escapes keep them.
            self._file.write((line if _encodable(line) else json.dumps(json.loads(line))) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file; nothing is lost by not calling it."""
        self._abandon()

    @property
    def written(self) -> bool:
        """True once the file is there."""
        return self._file is not None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
            self._abandon()
            raise TranscriptError(f"the transcript cannot be written to {self.path}: {_reason(error)}") from error

    def _abandon(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # what could not be flushed has been told already
                self._file.close()
            self._file = None


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a transcript in their order; what cannot be read as one is skipped, a torn last line too.

    Raises `TranscriptError` where the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(event, dict) and isinstance(event.get("event"), str):
                    yield event
    except (OSError, ValueError) as error:
        raise TranscriptError(f"{path}: cannot be read: {_reason(error)}") from error


def as_lines(event: Event) -> list[tuple[str, dict[str, Any]]]:
    """The transcript's lines for one event: (name, fields)."""
    match event:
        case Prepared(text, ids, notes):
            prepared = {"text": text, "ids": list(ids)}
            return [("prepared", prepared), *(("note", _note(note)) for note in notes)]
        case Noted(note):
            return [("note", _note(note))]
        case Prefilled(tokens, reused, seconds):
            return [("prefill", {"tokens": tokens, "reused": reused, "seconds": round(seconds, 6)})]
        case Token():
            fields = {"sequence": event.sequence, "index": event.index, "id": event.id, "text": event.text}
            fields["logprob"] = event.logprob
            if event.alternatives:
                fields["alternatives"] = [[a.id, a.text, a.logprob, a.raw_logprob] for a in event.alternatives]
            return [("token", fields)]
        case Beams():
            running = [{"text": beam.text, "score": beam.score, "group": beam.group} for beam in event.running]
            return [("beams", {"index": event.index, "settled": event.settled, "running": running})]
        case Contrasted(index, sequence, layer):
            return [("layer", {"sequence": sequence, "index": index, "layer": layer})]
        case Compared(index, chosen, candidates):
            weighed = [[c.id, c.text, c.confidence, c.penalty] for c in candidates]
            return [("candidates", {"index": index, "chosen": chosen, "candidates": weighed})]
        case Drafted(index, ids, texts, accepted, source):
            drafted = {"index": index, "ids": list(ids), "texts": list(texts), "accepted": accepted, "source": source}
            return [("drafted", drafted)]
        case Changed(at, name, old, new):
            return [("change", {"at": at, "name": name, "from": old, "to": new})]
        case Forgot(sequence, at, tokens):
            return [("forgot", {"sequence": sequence, "at": at, "tokens": tokens})]
        case Finished(sequences, timing):
            ends = [{"text": s.text, "finish_reason": s.finish_reason, "score": s.score} for s in sequences]
            times = {"prefill_s": round(timing.prefill_s, 6), "decode_s": round(timing.decode_s, 6)}
            return [("finish", {"sequences": ends, "timing": times})]
        case Failed(error):
            return [("failed", {"error": error})]
        case _:
            return []


def _note(note: Note) -> dict[str, Any]:
    return {"level": note.level, "code": note.code, "text": note.text}


def _opened(path: Path) -> TextIO:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    file = os.fdopen(descriptor, "a", encoding="utf-8", newline="\n")
    hold(descriptor)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 10, 0) != b'{"event": ':
        file.close()
        raise TranscriptError(f"{path}: this file is there already and is no transcript")
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        file.write("\n")  # the last session was cut off in the middle of a line
    return file


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
