"""From a text file to blocks of token ids, some of them held out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from engine.errors import EngineError
from engine.finetune.defaults import BLOCK
from engine.text_files import read_text, shown_path

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

LARGEST = 100_000_000
"""Bytes that a text may have."""
FEWEST = 32
"""Tokens that a text must have."""
_BLOCKS_WANTED = 16
_HELD_OUT_EVERY = 10
_HELD_OUT_TOKENS = 32_768  # more would say the same, and take longer to read at every evaluation


@dataclass(frozen=True, slots=True)
class Text:
    """A text file as it was read. `sha256` is that of its text in UTF-8, newlines as one character."""

    path: Path
    text: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """A text in blocks of equal size: int64 ids of shape (blocks, block size).

    Each begins with what stands before every prompt of the model (a start of text, a control code), so that it is
    learned from as it will be prompted. The last tokens of a text that fill no block are left out.
    """

    tokens: int
    size: int
    training: torch.Tensor
    held_out: torch.Tensor


def read(path: Path) -> Text:
    """The text of a file. Raises `FileError` where it is not UTF-8 or binary, `EngineError` where it is empty."""
    text = read_text(path, LARGEST)
    if not text.strip():
        raise EngineError(f"{shown_path(path)}: empty, there is nothing to learn from")
    return Text(path, text, hashlib.sha256(text.encode()).hexdigest())


def encode(model: LoadedModel, text: str) -> list[int]:
    """The text's ids, without what the tokenizer puts around a prompt."""
    return list(model.tokenizer.encode(text, add_special_tokens=False))


def head(model: LoadedModel, start: str) -> list[int]:
    """The ids that stand before every prompt: the tokenizer's own marks, then `start`."""
    plain = encode(model, "a")
    marked = list(model.family.encode(model, "a"))
    places = (at for at in range(len(marked)) if marked[at : at + len(plain)] == plain)
    return marked[: next(places, 0)] + (encode(model, start) if start else [])


def block_size(tokens: int, positions: int | None, marks: int) -> int:
    """The size that suits a text of so many tokens; `marks` are what stands before every block."""
    longest = min(positions or BLOCK, BLOCK)
    wanted = min(longest - marks, max(tokens // _BLOCKS_WANTED, 8))
    return tokens // -(-tokens // wanted) + marks  # evened out, so that hardly a token is left over


def cut(ids: list[int], marks: list[int], size: int, name: str) -> Blocks:
    """The blocks, every tenth of them held out, at least one. Raises `EngineError` where there are not two."""
    body = size - len(marks)
    count = len(ids) // body if body > 0 else 0
    if count < 2:
        longest = len(ids) // 2 + len(marks)
        raise EngineError(
            f"{name}: {len(ids)} tokens are not two blocks of {size}, one to learn from and one to hold out; "
            f"blocks of {longest} fit"
        )
    rows = torch.tensor(ids[: count * body]).view(count, body)
    blocks = torch.cat([torch.tensor(marks, dtype=torch.long).expand(count, -1), rows], dim=1)
    kept = min(max(count // _HELD_OUT_EVERY, 1), max(_HELD_OUT_TOKENS // size, 1))
    places = [(place + 1) * count // kept - 1 for place in range(kept)]
    held = torch.zeros(count, dtype=torch.bool)
    held[places] = True
    return Blocks(len(ids), size, blocks[~held], blocks[held])


def openings(model: LoadedModel, blocks: Blocks, marks: int, count: int) -> list[str]:
    """So many openings from the held-out blocks, about six words each, from a word's beginning on."""
    every = max(len(blocks.held_out) // count, 1)
    found = []
    for row in blocks.held_out[::every][:count]:
        words = str(model.tokenizer.decode(row[marks : marks + 64].tolist())).split()
        found.append(" ".join(words[1:7] or words))
    return [opening for opening in found if opening]
