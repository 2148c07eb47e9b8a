"""What a transcript is about, at a glance: its first line, its model, its length, and its text to be searched.

Whatever stands in the file is taken for what it is worth: a field of the wrong type is one that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.text_counts import counted

TITLE = 200
"""Characters of a first line."""
LONGEST = 2_000_000
"""Characters of a text that are kept to be searched: the newest."""


@dataclass(frozen=True, slots=True)
class Digest:
    """`time` is when its last run began, in seconds since 1970 (0: not told); `tokens` counts those of all runs."""

    title: str = ""
    model: str = ""
    time: float = 0.0
    tokens: int = 0
    words: int = 0
    runs: int = 0
    ended: bool = False
    """Whether the session was left as it should be: the last line says so."""
    text: str = ""
    """All that was written, run by run; what a run went on from stands there once."""


def digest(lines: Iterable[Mapping[str, Any]]) -> Digest:
    """The digest of a transcript's lines, in their order."""
    reading = _Reading()
    for line in lines:
        reading.take(line)
    return reading.digest()


@dataclass
class _Reading:
    model: str = ""
    time: float = 0.0
    tokens: int = 0
    runs: int = 0
    ended: bool = False
    texts: list[str] = field(default_factory=list)
    opening: str = ""
    """What stands before all that was written: the prompt of the last run that began anew."""
    prompt: str = ""
    written: dict[Any, list[str]] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any]) -> None:
        name = line.get("event")
        self.ended = name == "end"
        if name == "run":
            self._begin(line)
        elif name == "token":
            self.tokens += 1
            sequence = line.get("sequence")
            self.written.setdefault(sequence if isinstance(sequence, int) else 0, []).append(_text(line, "text"))
        elif name == "edit":
            self._end()
            self.prompt = self.opening + _text(line, "text")

    def _begin(self, line: Mapping[str, Any]) -> None:
        self._end()
        self.runs += 1
        self.prompt = _text(line, "prompt")
        if line.get("sequence") is None:
            self.opening = self.prompt
        model = line.get("model")
        self.model = _text(model, "name") if isinstance(model, dict) else ""
        self.time = _seconds(_text(line, "time")) or self.time

    def _end(self) -> None:
        """The run is over: its texts take the place of those that they go on from."""
        made = [self.prompt + "".join(tokens) for tokens in self.written.values()] or [self.prompt]
        self.texts = [text for text in self.texts if not any(new.startswith(text) for new in made)]
        self.texts += filter(str.strip, made)
        self.written = {}

    def digest(self) -> Digest:
        first = self.written.get(0)
        last = self.prompt + "".join(first if first is not None else next(iter(self.written.values()), []))
        self._end()
        title = next((line.strip() for line in last.splitlines() if line.strip()), "")
        return Digest(
            title=_encodable(title[:TITLE]),
            model=_encodable(self.model[:TITLE]),
            time=self.time,
            tokens=self.tokens,
            words=counted(last).words,
            runs=self.runs,
            ended=self.ended,
            text=_encodable("\n\n".join(self.texts)[-LONGEST:]),
        )


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    return value if isinstance(value, str) else ""


def _seconds(time: str) -> float:
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _encodable(text: str) -> str:
    """Without the half characters that no file takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
