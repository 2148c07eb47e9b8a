"""How well a model foretells text that it has not seen, in figures that models with other tokenizers share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the customary name
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from engine.models.embedded.corpus import TextFile, split_documents
from engine.models.embedded.recipe import Recipe

PLAIN = "plain sentences"
PROSE = "classic prose"
_KINDS = {
    "house-stories": "house stories",
    "children-classics": PROSE,
    "classic-fiction": PROSE,
    "classic-novels": PROSE,
}
_PLAIN_FILE = Path(__file__).parent / "plain_sentences.txt"

_PASSAGE = 1200
"""Characters of a document that are foretold at once: about what a context of 512 tokens holds. Counted in
characters, so that every model is asked for the same text after the same text."""
_OF_EACH_FILE = 120_000
"""Characters of a file's held-out text that are measured, evenly spread over it."""
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a model makes of a text: `nats` is the negative logarithm of the probability of all of it."""

    text: str
    """The kind of text."""
    sha256: str
    """Of the passages, so that only figures of the same text are compared."""
    nats: float
    tokens: int
    words: int
    """Runs of characters between white space."""
    bytes: int
    """In UTF-8."""

    @property
    def perplexity_per_word(self) -> float:
        return math.exp(self.nats / self.words)

    @property
    def perplexity_per_token(self) -> float:
        """Not to be compared with that of a model with another tokenizer."""
        return math.exp(self.nats / self.tokens)

    @property
    def bits_per_byte(self) -> float:
        return self.nats / self.bytes / math.log(2)


def plain_passages() -> list[str]:
    """Plain sentences of today, written for this measure: no model is trained on them."""
    return list(passages(split_documents(_PLAIN_FILE.read_text(encoding="utf-8"))))


def held_out_passages(files: Iterable[TextFile]) -> dict[str, list[str]]:
    """The passages of each kind of text that a model trained with the recipe's split has not seen."""
    kinds: dict[str, list[str]] = {}
    for file in files:
        of_file = list(passages(file.held_out(Recipe().held_out_every)))
        if of_file:
            kinds.setdefault(_KINDS.get(file.name, file.name), []).extend(_spread(of_file, _OF_EACH_FILE))
    return kinds


def passages(documents: Iterable[str]) -> Iterator[str]:
    """Documents cut at paragraph ends into passages of about `_PASSAGE` characters at most."""
    for document in documents:
        passage = ""
        for paragraph in document.split("\n"):
            if passage and len(passage) + len(paragraph) > _PASSAGE:
                yield passage
                passage = ""
            passage += "\n" + paragraph if passage else paragraph
        yield passage


def sha256(texts: Sequence[str]) -> str:
    """Of the passages, joined by blank lines."""
    return hashlib.sha256("\n\n".join(texts).encode()).hexdigest()


@torch.no_grad()
def likelihood(model: PreTrainedModel, tokenizer: Tokenizer, kind: str, texts: Sequence[str]) -> Likelihood:
    """Measure each passage after an end-of-text token, as documents stood in training.

    A passage longer than the context is measured in parts that know nothing of each other.
    """
    rows = sorted(_windows(tokenizer, texts, int(model.config.n_positions)), key=len)
    nats = 0.0
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        ids = torch.zeros((len(batch), len(batch[-1])), dtype=torch.int64)
        targets = torch.full_like(ids, -100)
        for index, row in enumerate(batch):
            ids[index, : len(row)] = targets[index, : len(row)] = torch.tensor(row)
        logits = model(input_ids=ids[:, :-1].to(model.device), use_cache=False).logits.float()
        losses = F.cross_entropy(logits.flatten(0, 1).cpu(), targets[:, 1:].flatten(), reduction="sum")
        nats += losses.item()
    return Likelihood(
        text=kind,
        sha256=sha256(texts),
        nats=nats,
        tokens=sum(len(row) - 1 for row in rows),
        words=sum(len(text.split()) for text in texts),
        bytes=sum(len(text.encode()) for text in texts),
    )


def _windows(tokenizer: Tokenizer, texts: Sequence[str], context: int) -> Iterator[list[int]]:
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        for start in range(0, len(encoding.ids), context):
            yield [0, *encoding.ids[start : start + context]]


def _spread(texts: Sequence[str], characters: int) -> Iterator[str]:
    """Every so manieth text, so that about `characters` are taken, and always something."""
    step = max(1, round(sum(map(len, texts)) / characters))
    return iter(texts[step // 2 :: step])
