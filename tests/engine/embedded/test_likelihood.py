from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from engine.models.embedded import likelihood as measure
from engine.models.embedded.corpus import read_folder
from engine.models.embedded.likelihood import PLAIN, held_out_passages, likelihood, passages, plain_passages
from engine.models.embedded.model import build_model
from engine.models.embedded.tokenizer import train_tokenizer

from .tiny import TINY, documents, write_folder

TEXTS = [*documents(5), "Naïve.", "Rain " * 40]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(documents(40), TINY.vocabulary)


@pytest.fixture
def model(tokenizer: Tokenizer) -> Any:
    return build_model(TINY, tokenizer.get_vocab_size()).eval()


def test_a_model_that_knows_nothing_is_as_perplexed_as_its_vocabulary_is_large(
    model: Any, tokenizer: Tokenizer
) -> None:
    for weight in model.parameters():
        torch.nn.init.zeros_(weight)
    found = likelihood(model, tokenizer, "tales", TEXTS)
    assert found.perplexity_per_token == pytest.approx(tokenizer.get_vocab_size(), rel=1e-5)
    assert found.tokens == sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in TEXTS)
    assert (found.words, found.bytes) == (sum(len(t.split()) for t in TEXTS), sum(len(t.encode()) for t in TEXTS))
    bits = found.tokens * math.log2(tokenizer.get_vocab_size()) / found.bytes
    assert found.bits_per_byte == pytest.approx(bits, rel=1e-5)
    assert math.log(found.perplexity_per_word) * found.words == pytest.approx(found.nats)


@torch.no_grad()
def test_every_token_is_foretold_once_from_those_before_it(model: Any, tokenizer: Tokenizer) -> None:
    nats = 0.0
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        for place, token in enumerate(ids):
            known = [0, *ids[place - place % TINY.context : place]]
            nats -= model(torch.tensor([known])).logits[0, -1].log_softmax(-1)[token].item()
    assert likelihood(model, tokenizer, "tales", TEXTS).nats == pytest.approx(nats, rel=1e-5)


def test_passages_are_cut_at_paragraph_ends_and_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_PASSAGE", 60)
    long = "A paragraph that is by itself longer than a whole passage may be, and is kept in one."
    chapter = "\n".join([*(f"Paragraph {i} of the fox." for i in range(7)), long, "The end."])
    found = list(passages([chapter, "Short."]))
    assert "\n".join(found) == f"{chapter}\nShort."
    assert found[-1] == "Short." and long in found
    assert all(len(passage) <= 60 for passage in found if passage != long)


def test_only_what_was_kept_from_training_is_measured(tmp_path: Path) -> None:
    (file,) = read_folder(write_folder(tmp_path, 400))
    learned = set(file.training(100))
    (kind, found), *others = held_out_passages([file]).items()
    assert (kind, others) == ("tales", [])
    assert found == list(file.held_out(100)) and len(found) == 4
    assert not learned & set(found)


def test_a_large_file_is_measured_in_samples_from_all_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_OF_EACH_FILE", 1000)
    files = read_folder(write_folder(tmp_path, 10_000))
    found = held_out_passages(files)["tales"]
    assert 700 <= sum(map(len, found)) <= 1400
    years = [int(text.split(" years")[0].split()[-1]) for text in found]
    assert years == sorted(years) and years[0] < 2000 and years[-1] > 8000


def test_the_plain_sentences_are_many_and_plain() -> None:
    found = plain_passages()
    lines = [line for passage in found for line in passage.split("\n")]
    assert len(lines) >= 119 and len(set(lines)) == len(lines)
    assert all(passage.isascii() and passage == passage.strip() for passage in found)
    assert PLAIN not in held_out_passages([])
