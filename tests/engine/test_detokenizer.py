"""Pieces of text token by token: joined they are the whole text, and no piece holds half a character."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from engine.detokenizer import REPLACEMENT, ByteLevelDetokenizer, WindowDetokenizer, detokenizer, piece, token_bytes
from engine.models.embedded import CHECKPOINT
from tests.models import END, byte_level_tokenizer, golden_model, metaspace_tokenizer
from tests.paths import GOLDEN

TEXTS = {
    "plain": "The old keeper, of the river.\n\n  Two  spaces\tand a tab ",
    "emoji": "a 😀 b 👍🏽 c 🇫🇷",
    "joined": "👩\u200d👩\u200d👧\u200d👦 and 🏳️\u200d🌈",
    "accents": "e\u0301a\u0308\u0323 café naïve ÀÉÎ",
    "scripts": "日本語のテキスト и кириллица, עברית, नमस्ते",
    "long run": "日本語😀" * 12,
    "two bytes": "éè" * 20,
    "hostile": "\x1b[31m\x00\u202e\x7f",
    "separators": "\u2028\u2029\ufeff",
    "the sign itself": "a\ufffdb\ufffd\ufffd c",
}


@cache
def embedded_tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(CHECKPOINT)


def byte_level(name: str) -> PreTrainedTokenizerBase:
    if name == "golden":
        if not GOLDEN.is_dir():
            pytest.skip("the reference data are not beside this checkout")
        return golden_model("gpt2").tokenizer
    return embedded_tokenizer() if name == "embedded" else byte_level_tokenizer()


EACH_BYTE_LEVEL = pytest.mark.parametrize("name", ["tiny", "golden", "embedded"])
EACH_TEXT = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


def pieces_of(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], before: Sequence[int] = ()) -> list[str]:
    made = detokenizer(tokenizer, before)
    return [*(made.push(token) for token in ids), made.flush()]


def test_each_tokenizer_gets_what_fits_it() -> None:
    assert isinstance(detokenizer(byte_level_tokenizer()), ByteLevelDetokenizer)
    assert isinstance(detokenizer(embedded_tokenizer()), ByteLevelDetokenizer)
    assert isinstance(detokenizer(metaspace_tokenizer()), WindowDetokenizer)


@EACH_BYTE_LEVEL
@EACH_TEXT
def test_text_comes_back_whole(name: str, text: str) -> None:
    tokenizer = byte_level(name)
    ids = tokenizer.encode(text, add_special_tokens=False)
    found = pieces_of(tokenizer, ids)
    assert "".join(found) == tokenizer.decode(ids) == text
    if REPLACEMENT not in text:
        assert not any(REPLACEMENT in part for part in found)
    assert all(text.startswith("".join(found[:count])) for count in range(len(found)))


@EACH_BYTE_LEVEL
@given(data=st.data())
def test_any_ids_give_what_the_tokenizer_decodes(name: str, data: st.DataObject) -> None:
    """Broken characters among them."""
    tokenizer = byte_level(name)
    ids = data.draw(st.lists(st.integers(0, len(tokenizer) - 1) | st.integers(0, 255), max_size=40))
    assert "".join(pieces_of(tokenizer, ids)) == tokenizer.decode(ids)


@given(text=st.text(max_size=40))
def test_any_text_comes_without_half_characters(text: str) -> None:
    tokenizer = byte_level_tokenizer()
    found = pieces_of(tokenizer, tokenizer.encode(text))
    assert "".join(found) == text
    assert "".join(found).count(REPLACEMENT) == text.count(REPLACEMENT)


def test_a_character_waits_for_its_last_byte() -> None:
    tokenizer = byte_level_tokenizer()
    ids = tokenizer.encode("😀")
    assert len(ids) == 4
    assert pieces_of(tokenizer, ids) == ["", "", "", "😀", ""]
    assert pieces_of(tokenizer, ids[:3]) == ["", "", "", REPLACEMENT]
    assert pieces_of(tokenizer, [*ids[:2], *tokenizer.encode("a")]) == ["", "", REPLACEMENT + "a", ""]
    assert pieces_of(tokenizer, ids[1:]) == [REPLACEMENT] * 3 + [""]


def test_a_special_token_shows_and_ends_a_character() -> None:
    tokenizer = byte_level_tokenizer()
    half = tokenizer.encode("😀")[:2]
    assert pieces_of(tokenizer, [END, *half, END]) == ["<|endoftext|>", "", "", REPLACEMENT + "<|endoftext|>", ""]
    assert piece(tokenizer, END) == "<|endoftext|>"


def test_ids_beyond_the_vocabulary_are_nothing() -> None:
    """Models pad their output layer, so such ids can be drawn."""
    tokenizer = byte_level_tokenizer()
    assert pieces_of(tokenizer, [END + 5, tokenizer.encode("a")[0]]) == ["", "a", ""]
    assert piece(tokenizer, END + 5) == f"[{END + 5}]"


def test_a_token_s_bytes() -> None:
    assert token_bytes("Ġthe") == b" the"
    assert token_bytes("Ċ") == b"\n"
    assert token_bytes("Ã©") == "é".encode()
    tokenizer = byte_level_tokenizer()
    shown = [piece(tokenizer, token) for token in tokenizer.encode("the river 😀")]
    assert "".join(shown[:3]).startswith("the river")
    assert shown[-1] == REPLACEMENT


@EACH_TEXT
def test_words_with_their_space_in_front(text: str) -> None:
    """As sentencepiece has them: unknown characters come as bytes, and a piece depends on what stands before."""
    tokenizer = metaspace_tokenizer()
    ids = tokenizer.encode(text, add_special_tokens=False)
    found = pieces_of(tokenizer, ids)
    assert "".join(found) == tokenizer.decode(ids)
    if REPLACEMENT not in text:
        assert not any(REPLACEMENT in part for part in found)


@given(
    text=st.lists(st.sampled_from(["the ", "old ", "rivers", " ", "é", "日", "😀", "x, "]), max_size=60).map("".join)
)
def test_spaces_and_bytes_in_any_mixture(text: str) -> None:
    tokenizer = metaspace_tokenizer()
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert "".join(pieces_of(tokenizer, ids)) == tokenizer.decode(ids)


@given(
    before=st.lists(st.sampled_from(["the ", "old ", "日本", "😀", "é"]), max_size=12).map("".join),
    after=st.lists(st.sampled_from([" the", " old", "日本", "😀", "é", " "]), min_size=1, max_size=30).map("".join),
)
def test_a_continuation_keeps_the_space_before_its_first_word(before: str, after: str) -> None:
    tokenizer = metaspace_tokenizer()
    ids = tokenizer.encode("a" + before)
    continued = tokenizer.encode("a" + before + after)
    if continued[: len(ids)] == ids:
        assert "".join(pieces_of(tokenizer, continued[len(ids) :], ids)) == after


def test_the_space_of_the_first_word_after_a_prompt() -> None:
    tokenizer = metaspace_tokenizer()
    the = tokenizer.convert_tokens_to_ids("▁the")
    assert pieces_of(tokenizer, [the, the], tokenizer.encode("old")) == [" the", " the", ""]
    assert pieces_of(tokenizer, [the, the]) == ["the", " the", ""]
    assert piece(tokenizer, the) == " the"
    assert piece(tokenizer, tokenizer.convert_tokens_to_ids("s")) == "s"


def test_bytes_that_never_become_a_character_come_at_the_end() -> None:
    tokenizer = metaspace_tokenizer()
    broken = [tokenizer.convert_tokens_to_ids(f"<0x{byte:02X}>") for byte in (0xF0, 0x9F)]
    found = pieces_of(tokenizer, [*tokenizer.encode("the"), *broken])
    assert found[:3] == ["the", "", ""]
    assert "".join(found) == tokenizer.decode([*tokenizer.encode("the"), *broken])


@given(data=st.data())
def test_broken_bytes_do_not_spoil_what_follows(data: st.DataObject) -> None:
    tokenizer = metaspace_tokenizer()
    byte = {value: tokenizer.convert_tokens_to_ids(f"<0x{value:02X}>") for value in range(256)}
    broken = [byte[value] for value in data.draw(st.lists(st.integers(0x80, 0xFF), max_size=20))]
    after = " the old 日本 rivers 😀"
    found = pieces_of(tokenizer, [*tokenizer.encode("the"), *broken, *tokenizer.encode("x" + after)[1:]])
    assert "".join(found).startswith("the")
    assert "".join(found).endswith(after)
