from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from engine.models.embedded.tokenizer import encode_pieces, save_tokenizer, train_tokenizer

from .tiny import TINY, documents

ODD = ["", " ", "  two  spaces ", "tab\tand\nline\n\n", "naïve café — “quoted”", "日本語 🙂", "\x00\x7f"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(documents(40), TINY.vocabulary)


@pytest.mark.parametrize("text", [*ODD, *documents(2)])
def test_any_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_end_of_text_token_is_0(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("<|endoftext|>", add_special_tokens=False).ids == [0]
    assert 257 <= tokenizer.get_vocab_size() <= TINY.vocabulary


def test_opens_as_an_ordinary_tokenizer(tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    save_tokenizer(tokenizer, TINY, tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert (loaded.bos_token_id, loaded.eos_token_id) == (0, 0)
    assert loaded("Once there was").input_ids == tokenizer.encode("Once there was").ids
    ids = loaded("naïve  text .").input_ids
    assert ids[0] == 0, "the tokenizer itself puts the end-of-text token before a prompt"
    assert loaded.decode(ids, skip_special_tokens=True) == "naïve  text ."


def test_pieces_are_cut_at_paragraph_ends(tokenizer: Tokenizer) -> None:
    chapter = "\n".join(f"Paragraph {i} of the fox and the hen." for i in range(9))
    pieces = encode_pieces(tokenizer, [chapter, "Short."], piece_tokens=30)
    assert all(piece[0] == 0 and 0 not in piece[1:] for piece in pieces)
    texts = [tokenizer.decode(piece[1:].tolist()) for piece in pieces]
    assert len(texts) > 3
    assert "\n".join(texts[:-1]) == chapter
    assert texts[-1] == "Short."
