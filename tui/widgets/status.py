"""The lines at the top and at the bottom: which model, what it is doing, how fast, how much is left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from engine.events import CacheShape
from engine.quantities import bytes_text, count_text
from engine.safe_text import safe_text
from tui.jobs import ModelFacts

Stage = Literal["loading", "no model", "ready", "prefill", "decoding", "paused", "stopping"]
_BAR = 8
_HINT_S = 4.0
_URGENT: frozenset[Stage] = frozenset({"loading", "no model", "paused", "stopping"})
_SIGNS: dict[Stage, str] = {
    "loading": "◌",
    "no model": "✗",
    "ready": "■",
    "prefill": "▷",
    "decoding": "▶",
    "paused": "⏸",
    "stopping": "□",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the status line shows. Rates are of the run under way, or of the last one."""

    stage: Stage = "loading"
    detail: str = ""
    tuning: str = ""
    tokens_per_s: float = 0.0
    first_token_s: float | None = None
    prompt_tokens: int = 0
    reused: int = 0
    used: int = 0
    out: int = 0
    positions: int | None = None
    chat: bool = False
    cache: CacheShape | None = None
    memory_bytes: int = 0
    download: str = ""


class TitleLine(Widget):
    """The program, the model, its size, place and precision."""

    DEFAULT_CSS = "TitleLine { height: 1; background: $surface; color: $text-muted; padding: 0 1; }"
    facts: reactive[ModelFacts | None] = reactive(None)

    def render(self) -> Content:
        """One line; the model's name is untrusted."""
        line = Content.assemble(("textgen-tui", "bold $primary"))
        if self.facts is not None:
            facts = self.facts
            size = f"{count_text(facts.parameters)} · {facts.device} · {facts.dtype} · {bytes_text(facts.weight_bytes)}"
            line += Content.assemble((f"  {safe_text(_short(facts.name))}", "bold $text"), f"  {safe_text(size)}")
        return line


class StatusLine(Widget):
    """Stage, speed, time to the first token, cache, positions, memory; the rightmost go first where it is narrow."""

    DEFAULT_CSS = "StatusLine { height: 1; background: $surface; color: $text-muted; padding: 0 1; }"
    _unhinting: Timer | None = None
    reading: reactive[Reading] = reactive(Reading(), always_update=False)

    hinted: reactive[str] = reactive("")

    def update(self, **changes: Any) -> None:
        """Change some of what is shown."""
        if changes.get("stage", self.reading.stage) != self.reading.stage:
            self.hinted = ""  # it was about how things stood
        self.reading = replace(self.reading, **changes)

    def hint(self, text: str) -> None:
        """Say something in place of the read-outs, for a moment."""
        self.hinted = text
        if self._unhinting is not None:
            self._unhinting.stop()
        self._unhinting = self.set_timer(_HINT_S, self._unhint)

    def _unhint(self) -> None:
        self.hinted = ""

    def watch_reading(self) -> None:
        """Tell the style sheet, which has no room for it everywhere."""
        self._weigh()

    def watch_hinted(self) -> None:
        """The same."""
        self._weigh()

    def _weigh(self) -> None:
        self.set_class(bool(self.hinted) or self.reading.stage in _URGENT, "-urgent")

    def render(self) -> Content:
        """As many read-outs as fit, in the order of their weight."""
        stage = self.reading.stage
        colour = {"decoding": "$success", "paused": "$warning", "no model": "$error"}.get(stage, "$primary")
        line = Content.assemble((f"{_SIGNS[stage]} {stage}", f"bold {colour}"))
        if self.hinted:
            return line + Content.styled(f"   {safe_text(self.hinted)}", "$text")
        for part in self.parts():
            if line.cell_length + 3 + cell_len(part) > self.size.width:
                break
            line += Content(f"   {part}")
        return line

    def parts(self) -> list[str]:
        """The read-outs that have a value."""
        reading = self.reading
        parts = [safe_text(reading.detail)] if reading.detail else []
        parts += ["chat"] if reading.chat else []
        if reading.download:
            parts.append(safe_text(reading.download))
        if reading.tokens_per_s:
            parts.append(f"{reading.tokens_per_s:.0f} tok/s")
        if reading.used and reading.positions:
            filled = min(round(_BAR * reading.used / reading.positions), _BAR)
            bar = "▰" * filled + "▱" * (_BAR - filled)
            out = f" ┊ {reading.out:,} out of sight" if reading.out else ""
            parts.append(f"{reading.used:,} of {reading.positions:,} {bar}{out}")
        elif reading.used:
            parts.append(f"{reading.used:,} tokens")
        if reading.tuning:
            parts.append(safe_text(reading.tuning))
        if reading.first_token_s is not None:
            parts.append(f"first token {_seconds(reading.first_token_s)}")
        if reading.memory_bytes:
            parts.append(f"memory {bytes_text(reading.memory_bytes)}")
        if reading.prompt_tokens:
            reused = f" ({reading.reused} kept)" if reading.reused else ""
            parts.append(f"prefill {reading.prompt_tokens}{reused}")
        if reading.cache is not None:
            cache = reading.cache
            shape = f"{cache.layers}×{cache.heads}×{cache.tokens}×{cache.width}"
            parts.append(f"KV cache {shape} · {bytes_text(cache.bytes)}")
        return parts


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _short(name: str) -> str:
    """The end of a long path: that is where models differ."""
    return name if len(name) <= 40 else "…" + name[-39:]
