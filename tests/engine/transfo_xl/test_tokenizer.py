"""Text to words and back, the files that say how, and what the family puts before a prompt."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from engine.errors import LoadError, PromptError
from engine.families.padding_text import PADDING_TEXT
from engine.families.transfo_xl.tokenizer import TransfoXLTokenizer
from engine.settings import Settings
from tests.engine.transfo_xl.tiny import VOCABULARY, WORDS, config, loaded, model, write_vocabulary


@pytest.fixture
def tokenizer(tmp_path: Path) -> TransfoXLTokenizer:
    return TransfoXLTokenizer(str(write_vocabulary(tmp_path)))


@pytest.mark.parametrize(
    ("text", "tokens", "back"),
    [
        ("the river, the old keeper.", ["the", "river", ",", "the", "old", "keeper", "."], None),
        ("1,500 river", ["1", "@,@", "500", "river"], None),
        ("3.5.500", ["3", "@.@", "5", "@.@", "500"], None),
        ('the "old" river', ["the", '"', "old", '"', "river"], None),
        ("the <eos>old<formula> river", ["the", "<eos>", "old", "<formula>", "river"], "the <eos> old <formula> river"),
        ("the stranger", ["the", "stranger"], "the <unk>"),
        ("  the\n\triver  ", ["the", "river"], "the river"),
        ("", [], ""),
    ],
)
def test_words_and_back(tokenizer: TransfoXLTokenizer, text: str, tokens: list[str], back: str | None) -> None:
    assert tokenizer.tokenize(text) == tokens
    ids = tokenizer.encode(text)
    assert ids == tokenizer.encode(text, add_special_tokens=False)
    assert ids == [WORDS.index(token) if token in WORDS else 1 for token in tokens]
    assert tokenizer.decode(ids) == (text if back is None else back)


def test_it_knows_its_special_tokens(tokenizer: TransfoXLTokenizer) -> None:
    assert (tokenizer.eos_token_id, tokenizer.unk_token_id) == (0, 1)
    assert len(tokenizer) == tokenizer.vocab_size == len(WORDS)
    assert tokenizer.decode([2, 0, 3, 1], skip_special_tokens=True) == "the river"
    assert tokenizer.convert_ids_to_tokens(len(WORDS)) is None
    assert tokenizer.decode([2, len(WORDS), 3]) == "the river"


def test_special_tokens_that_the_vocabulary_lacks_get_no_id(tmp_path: Path) -> None:
    """An id beyond the vocabulary has no row in the model."""
    tokenizer = TransfoXLTokenizer(str(write_vocabulary(tmp_path, ["a", "b"])))
    assert len(tokenizer) == 2
    assert tokenizer.all_special_tokens == []
    assert tokenizer.encode("a b") == [0, 1]
    with pytest.raises(PromptError, match="c is not in the vocabulary"):
        tokenizer.encode("a c")


def test_lower_case(tmp_path: Path) -> None:
    tokenizer = TransfoXLTokenizer(str(write_vocabulary(tmp_path)), lower_case=True)
    assert tokenizer.tokenize("The RIVER") == ["the", "river"]


@pytest.mark.parametrize("with_config", [True, False])
def test_a_folder_is_opened_by_its_type_and_saved_without_a_pickle(with_config: bool, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    config().save_pretrained(old)
    indices = {word: index for index, word in enumerate(WORDS)}
    (old / "vocab.pkl").write_bytes(pickle.dumps({"idx2sym": list(WORDS), "sym2idx": indices}))
    if with_config:
        said = {"tokenizer_class": "TransfoXLTokenizer", "lower_case": True, "additional_special_tokens": ["river"]}
        (old / "tokenizer_config.json").write_text(json.dumps(said))
    first = AutoTokenizer.from_pretrained(old)
    first.save_pretrained(new)
    assert not list(new.glob("*.pkl")) + list(new.glob("*.bin"))
    config().save_pretrained(new)
    again = AutoTokenizer.from_pretrained(new)
    for tokenizer in (first, again):
        assert isinstance(tokenizer, TransfoXLTokenizer)
        assert tokenizer.lower_case == with_config
        assert tokenizer.idx2sym == list(WORDS)
        assert tokenizer.encode("the river 1,500 <formula>", add_special_tokens=False)[:5] == [2, 3, 8, 6, 9]
        assert (3 in tokenizer.all_special_ids) == with_config
        assert (tokenizer.eos_token, tokenizer.unk_token) == ("<eos>", "<unk>")


def test_a_folder_without_a_vocabulary_is_told(tmp_path: Path) -> None:
    config().save_pretrained(tmp_path)
    with pytest.raises(LoadError, match="no vocabulary in this folder"):
        AutoTokenizer.from_pretrained(tmp_path)


def test_a_padding_text_is_put_before_a_prompt(tmp_path: Path) -> None:
    ready = loaded(model(), tmp_path)
    prepared = ready.family.prepare(ready, "the old river", Settings())
    assert prepared.text == PADDING_TEXT + "the old river"
    assert prepared.ids[-4:] == (0, 2, 12, 3)
    assert max(prepared.ids) < VOCABULARY
    (note,) = prepared.notes
    assert (note.level, note.code) == ("info", "padding-text")
    assert f" {len(prepared.ids) - 3} tokens" in note.text
    assert 100 <= len(PADDING_TEXT.split()) <= 200
    assert PADDING_TEXT.endswith("<eod> </s> <eos>")


def test_a_prefix_replaces_it(tmp_path: Path) -> None:
    ready = loaded(model(), tmp_path)
    prepared = ready.family.prepare(ready, "river", Settings(prefix="the old "))
    assert (prepared.text, prepared.ids, prepared.notes) == ("the old river", (2, 12, 3), ())
    with pytest.raises(PromptError, match="no word"):
        ready.family.prepare(ready, " ", Settings(prefix=" "))
    assert ready.family.prepare(ready, "", Settings()).ids[-1] == 0
