"""Learning to leave a phrase that has been said already: DITTO.

A small model that repeats itself once is the surer of doing so again, and at a low temperature goes in circles. Xu et
al. 2022, "Learning to Break the Loop: Analyzing and Mitigating Repetitions for Neural Text Generation", show it pieces
of text said over and over, and teach it to hold each time for less likely than the time before. Theirs are sentences;
here they are phrases of any length up to one, after some text that they really followed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.models.embedded.batches import Stream
from engine.models.embedded.recipe import Recipe

SHORTEST, LONGEST = 3, 40
"""Tokens of a phrase."""
_CLOSEST = 1e-5  # to a probability of one: its logarithm stays finite


def looped_windows(streams: Sequence[Stream], recipe: Recipe, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`recipe.loop_windows` windows that end in a phrase over and over.

    Gives int64 ids of shape (windows, context + 1), and for each id how many tokens before it the same phrase said
    the same, or 0 where it is new. A pure function of the seed and the step, as `training_batch` is.
    """
    rng = np.random.default_rng((recipe.seed, step, 1))
    size = recipe.context + 1
    ids = np.empty((recipe.loop_windows, size), dtype=np.int64)
    back = np.zeros_like(ids)
    for row in range(recipe.loop_windows):
        tokens = streams[rng.choice(len(streams), p=[s.share for s in streams])].training
        phrase = int(rng.integers(SHORTEST, min(LONGEST, recipe.context // 3) + 1))
        # At least one token before it, for the first of a window is foretold by nothing.
        before = int(rng.integers(1, size - 2 * phrase))
        start = int(rng.integers(0, len(tokens) - before - phrase))
        ids[row, :before] = tokens[start : start + before]
        ids[row, before:] = np.resize(tokens[start + before : start + before + phrase], size - before)
        back[row, before + phrase :] = phrase
    return torch.from_numpy(ids), torch.from_numpy(back)


def repetition_loss(logits: torch.Tensor, ids: torch.Tensor, back: torch.Tensor, decay: float) -> torch.Tensor:
    """The mean over the repeated tokens of -log(1 - |p - decay * q|), in nats: p is the probability of a token and q
    that of the same token the time before, which is taken as given.

    `logits` has the shape (windows, length, vocabulary), `ids` and `back` (windows, length + 1).
    """
    chosen = logits.float().log_softmax(-1).gather(-1, ids[:, 1:, None]).squeeze(-1).exp()
    back = back[:, 1:]
    places = torch.arange(chosen.shape[1], device=chosen.device) - back
    earlier = chosen.detach().gather(1, places)
    distance = (chosen - decay * earlier).abs().clamp(max=1 - _CLOSEST)
    repeated = back > 0  # weighed, not picked: how many they are would have to be waited for
    return -(torch.log1p(-distance) * repeated).sum() / repeated.sum()
