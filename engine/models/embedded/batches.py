"""Token streams of the files, and the windows a step learns from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

from engine.models.embedded.corpus import TextFile
from engine.models.embedded.recipe import Recipe, TrainingError
from engine.models.embedded.tokenizer import Tokens, encode_pieces


@dataclass(frozen=True, slots=True)
class Stream:
    """A file as tokens: the pieces to learn from, shuffled and joined, and those held out."""

    name: str
    share: float
    """Of the windows in training; the shares of all streams add up to 1."""
    training: Tokens
    held_out: Tokens


def mix_shares(files: Sequence[TextFile], mix: Mapping[str, float]) -> dict[str, float]:
    """The share of each file: as `mix` says, or by size if `mix` is empty.

    Raises TrainingError if `mix` names a file that is not there, or if the shares are no positive numbers.
    """
    weights = dict(mix) or {f.name: float(f.characters) for f in files}
    unknown = sorted(weights.keys() - {f.name for f in files})
    if unknown:
        raise TrainingError(f"the mix names {unknown[0]!r}, but the folder has no such file of text")
    total = sum(weights.values())
    if not (0 < total < math.inf and min(weights.values()) >= 0):
        raise TrainingError("the shares of the mix must be positive numbers")
    return {f.name: weights[f.name] / total for f in files if weights.get(f.name, 0) > 0}


def fingerprint(files: Sequence[TextFile], shares: Mapping[str, float]) -> str:
    """A hash of what is trained on and in which mix."""
    lines = [f"{f.sha256} {shares[f.name]!r}\n" for f in files if f.name in shares]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def make_streams(
    tokenizer: Tokenizer, files: Sequence[TextFile], shares: Mapping[str, float], recipe: Recipe
) -> list[Stream]:
    """Encode the files that have a share.

    Raises TrainingError if the text of one is too short for a window, or all are for a batch.
    """
    streams = []
    for file in files:
        if file.name not in shares:
            continue
        pieces = encode_pieces(tokenizer, file.training(recipe.held_out_every), recipe.piece_tokens)
        # Shuffled, so that an end-of-text token is never followed by what a reader would expect.
        order = np.random.default_rng(recipe.seed).permutation(len(pieces))
        kept = encode_pieces(tokenizer, file.held_out(recipe.held_out_every), recipe.piece_tokens)
        training = _join([pieces[i] for i in order])
        if len(training) <= recipe.context:
            raise TrainingError(
                f"{file.name} is too short: {len(training)} tokens to train on, "
                f"and one window takes {recipe.context + 1}"
            )
        streams.append(Stream(file.name, shares[file.name], training, _join(kept)))
    total = sum(len(s.training) for s in streams)
    if total < recipe.tokens_per_step:
        raise TrainingError(
            f"the text is smaller than one batch: {total} tokens, and a batch takes {recipe.tokens_per_step}"
        )
    return streams


def training_batch(streams: Sequence[Stream], recipe: Recipe, step: int) -> torch.Tensor:
    """The windows of a step: int64 ids of shape (batch, context + 1).

    A pure function of the seed and the step, so a resumed run sees what an unbroken one would.
    """
    rng = np.random.default_rng((recipe.seed, step))
    chosen = rng.choice(len(streams), size=recipe.batch, p=[s.share for s in streams])
    rows = []
    for index in chosen:
        tokens = streams[index].training
        start = int(rng.integers(0, len(tokens) - recipe.context))
        rows.append(tokens[start : start + recipe.context + 1])
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def held_out_windows(stream: Stream, recipe: Recipe, count: int) -> torch.Tensor:
    """Up to `count` windows evenly spread over the held-out text: shape (windows, context + 1).

    A text shorter than a window gives one shorter window; an empty one gives none.
    """
    tokens = stream.held_out
    size = min(recipe.context + 1, len(tokens))
    if size < 2:
        return torch.empty((0, 2), dtype=torch.int64)
    count = max(1, min(count, len(tokens) // size))
    starts = np.linspace(0, len(tokens) - size, count).astype(int)
    return torch.from_numpy(np.stack([tokens[s : s + size] for s in starts]).astype(np.int64))


def _join(pieces: Sequence[Tokens]) -> Tokens:
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint16)
