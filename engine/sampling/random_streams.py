"""One stream of random numbers a sequence.

Sequence i draws from a generator seeded with seed + i, so one sequence gives the library's tokens at that seed, and
any of several is the one that would have come alone. `torch.multinomial` takes equally many numbers whatever the
settings are, so a change in the middle of a run does not shift the stream.
"""

from __future__ import annotations

import torch

from engine.errors import EngineError
from engine.settings.run import sequence_seed


class RandomStreams:
    """The generators of a run's sequences; `drawn` draws of each stream are passed over before the first."""

    def __init__(self, seed: int, *, drawn: int = 0) -> None:
        self._seed = seed
        self._drawn = drawn
        self._generators: dict[int, torch.Generator] = {}
        self._taken: dict[int, int] = {}

    def drawn(self, sequence: int) -> int:
        """How many draws of a sequence's stream have been taken or passed over."""
        return self._taken.get(sequence, self._drawn)

    def draw(self, scores: torch.Tensor, sequences: list[int]) -> torch.Tensor:
        """One id a row from log-scores (rows, vocabulary), row r by the stream of `sequences[r]`."""
        probabilities = torch.softmax(scores, dim=-1)
        try:
            picks = [
                torch.multinomial(probabilities[row : row + 1], 1, generator=self._stream(sequence, scores))
                for row, sequence in enumerate(sequences)
            ]
        except RuntimeError as error:
            raise EngineError(
                "the model's scores are not numbers or leave no token to choose: try dtype float32 or milder settings"
            ) from error
        for sequence in sequences:
            self._taken[sequence] = self.drawn(sequence) + 1
        return torch.cat(picks).squeeze(1)

    def draw_several(self, scores: torch.Tensor, count: int) -> torch.Tensor:
        """`count` different places of log-scores (places,), in the order in which they were drawn, by stream 0."""
        probabilities = torch.softmax(scores, dim=-1)
        self._taken[0] = self.drawn(0) + 1
        return torch.multinomial(probabilities[None], count, generator=self._stream(0, scores[None]))[0]

    def _stream(self, sequence: int, scores: torch.Tensor) -> torch.Generator:
        if sequence not in self._generators:
            generator = torch.Generator(device=scores.device).manual_seed(sequence_seed(self._seed, sequence))
            even = torch.ones_like(scores[:1])
            for _ in range(self._drawn):
                torch.multinomial(even, 1, generator=generator)
            self._generators[sequence] = generator
        return self._generators[sequence]
