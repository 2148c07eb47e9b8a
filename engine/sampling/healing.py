"""Token healing: the prompt's last tokens are taken back, and the model says their text again in tokens of its own.

A prompt that ends within what the tokenizer would have made one token (`http:`, a space before a word) puts the model
where its training texts never were. The first new tokens may only be such that say the text taken back: as it was cut
before, up to one of its cuts, or from there to its end and maybe more.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from transformers import LogitsProcessor

from engine.detokenizer import is_byte_level, token_bytes
from engine.tidy_detokenizer import spelling

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

_MOST = 8  # tokens that are taken back at most
_BYTE = re.compile(r"<0x([0-9A-F]{2})>\Z")


class Vocabulary:
    """What a model's tokens stand for, as bytes, but for those that stand for no text; found by how they begin."""

    def __init__(self, model: LoadedModel) -> None:
        tokenizer = model.tokenizer
        ids = range(min(model.vocabulary_size, len(tokenizer)))
        silent = model.special_ids | frozenset(tokenizer.get_added_vocab().values())
        spelled = spelling(tokenizer)
        self.closes_words = spelled is not None and spelled("▁") != " "
        """Whether tokens carry the space after a word, and not the one before it."""
        byte_level = is_byte_level(tokenizer)
        self._bytes: dict[int, bytes] = {}
        for token_id, token in zip(ids, tokenizer.convert_ids_to_tokens(list(ids)), strict=True):
            if token is None or token_id in silent:
                continue
            if byte_level:
                said = token_bytes(token)
            elif byte := _BYTE.match(token):
                said = bytes.fromhex(byte[1])
            else:
                said = (spelled(token) if spelled else token.replace("▁", " ")).encode("utf-8", "replace")
            if said:
                self._bytes[token_id] = said
        self._sorted = sorted((said, token_id) for token_id, said in self._bytes.items())

    def text(self, ids: Sequence[int]) -> bytes | None:
        """What these tokens say; None where one of them stands for no text."""
        parts = [self._bytes.get(token_id) for token_id in ids]
        return None if None in parts else b"".join(part for part in parts if part is not None)

    def beginning(self, text: bytes) -> list[tuple[bytes, int]]:
        """The tokens that begin with this text, or say just it."""
        found, place = [], bisect_left(self._sorted, (text, -1))
        while place < len(self._sorted) and self._sorted[place][0].startswith(text):
            found.append(self._sorted[place])
            place += 1
        return found

    def saying(self, text: bytes) -> list[int]:
        """The tokens that say just this text."""
        found, place = [], bisect_left(self._sorted, (text, -1))
        while place < len(self._sorted) and self._sorted[place][0] == text:
            found.append(self._sorted[place][1])
            place += 1
        return found

    def tail(self, ids: Sequence[int], longest: int) -> tuple[int, str, tuple[int, ...]]:
        """How many tokens at the end to take back, their text of at most `longest` characters, and where it was cut.

        As many as there is a token for that begins with all their text and says more; none where there is no such.
        The cuts are places in the text's bytes.
        """
        best: tuple[int, str, tuple[int, ...]] = (0, "", ())
        for count in range(1, min(_MOST, len(ids)) + 1):
            said = self.text(ids[-count:])
            if said is None:
                break
            said = said.rstrip(b" ") if self.closes_words else said
            try:
                text = said.decode()
            except UnicodeDecodeError:  # it begins within a character
                continue
            if len(text.strip()) > longest:
                break
            if said and any(len(self._bare(other)) > len(said) for other, _ in self.beginning(said)):
                lengths = [len(self._bytes[token_id]) for token_id in ids[-count:-1]]
                best = (count, text, tuple(accumulate(lengths)))
        return best

    def _bare(self, said: bytes) -> bytes:
        return said.rstrip(b" ") if self.closes_words else said


@dataclass
class Healing:
    """The text that a run's first tokens say again, and the places where it was cut into tokens before."""

    vocabulary: Vocabulary
    tail: bytes
    cuts: tuple[int, ...] = ()

    def allowed(self, said: bytes, left: int) -> list[int] | None:
        """The tokens that may follow what the new tokens said so far, of which `left` may still come; None for all.

        None of them leads to where the text taken back cannot be said whole in what is left.
        """
        at = len(said)
        if at >= len(self.tail):
            return None
        found = [token_id for _, token_id in self.vocabulary.beginning(self.tail[at:])]
        for place, cut in enumerate(self.cuts):
            if cut > at and len(self.cuts) - place < left:  # from there it can be said as it was cut before
                found += self.vocabulary.saying(self.tail[at:cut])
        return found


class HealingLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Leaves each row, as long as it has not said the tail, the tokens that go on saying it."""

    def __init__(self, healing: Healing, start: int, room: int) -> None:
        self._healing, self._start, self._room = healing, start, room

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) for the token after `input_ids` (rows, length)."""
        written = input_ids.shape[1] - self._start
        if written >= len(self._healing.tail):  # each token says a byte at least
            return scores
        healed = scores.clone()
        for row, ids in enumerate(input_ids[:, self._start :].tolist()):
            said = self._healing.vocabulary.text(ids)
            allowed = None if said is None else self._healing.allowed(said, self._room - written)
            if allowed is not None:
                healed[row] = -float("inf")
                healed[row, allowed] = scores[row, allowed]
        return healed
