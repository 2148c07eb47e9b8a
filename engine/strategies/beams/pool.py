"""The finished beams: as many of the best as there are beams, and whether a running one could still be better."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.settings import Settings
from engine.strategies.beams.path import Path


@dataclass
class Pool:
    """Keeps the `size` best finished paths, best first."""

    size: int
    paths: list[Path] = field(default_factory=list)

    def add(self, path: Path, settings: Settings) -> None:
        """Take a finished path, where it is among the best."""
        penalty = settings.length_penalty
        self.paths.append(path)
        self.paths.sort(key=lambda one: one.score(penalty), reverse=True)
        del self.paths[self.size :]

    @property
    def full(self) -> bool:
        """True once there are as many as beams."""
        return len(self.paths) >= self.size

    def is_final(self, best: float, length: int, longest: int, settings: Settings) -> bool:
        """Whether no running path can better the pool: `best` is the highest sum of one, after `length` new tokens.

        `early_stopping` decides, as in the library: "true" ends as soon as the pool is full, "false" takes the best
        path's score at its present length for what it can become, "never" its score at the length that favours it.
        """
        if not self.full:
            return False
        if settings.early_stopping == "true":
            return True
        penalty = settings.length_penalty
        reach = longest if settings.early_stopping == "never" and penalty > 0 else length
        return best / max(reach, 1) ** penalty <= self.paths[-1].score(penalty)
