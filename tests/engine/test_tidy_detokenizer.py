"""Text of the older tokenizers piece by piece: it joins to what decoding the whole gives, and nothing is taken back."""

from __future__ import annotations

import copy
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import transformers

from engine.detokenizer import detokenizer
from engine.families import FAMILIES
from engine.families.xlnet_tokenizer import XLNetTokenizer
from engine.tidy_detokenizer import tidied
from tests.models import byte_level_tokenizer, golden_model
from tests.paths import GOLDEN, needs_golden


class Stub:
    """A tokenizer by its vocabulary alone."""

    def __init__(self, words: list[str]) -> None:
        self._words = words

    def convert_ids_to_tokens(self, token_id: int) -> str | None:
        return self._words[token_id] if token_id < len(self._words) else None


def stub(kind: str, words: list[str]) -> Any:
    return type(kind, (Stub,), {})(words)


STEMS = ["n", "'", "t", "m", "s", "ve", "r", "re", "v", "n't", "'s", ".", ",", "?", "!", "the", "x", "<unk>", "\n"]
KINDS = {
    "OpenAIGPTTokenizer": STEMS + [f"{stem}</w>" for stem in STEMS],
    "XLMTokenizer": STEMS + [f"{stem}</w>" for stem in STEMS],
    "XLNetTokenizer": [*STEMS, "▁", *(f"▁{stem}" for stem in STEMS)],
    "CTRLTokenizer": STEMS + [f"{stem}@@" for stem in STEMS],
}


def whole(kind: str, words: list[str]) -> str:
    """As the library decodes and tidies."""
    if kind == "CTRLTokenizer":
        text = " ".join(words).replace("@@ ", "")
    else:
        text = "".join(words).replace("</w>", " ").replace("▁", " ")
    return str(byte_level_tokenizer().clean_up_tokenization(text.strip()))


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_join_to_what_decoding_the_whole_gives(kind: str) -> None:
    tokenizer, draw = stub(kind, KINDS[kind]), random.Random(1)
    for _ in range(4000):
        given = [draw.randrange(len(KINDS[kind])) for _ in range(draw.randint(1, 12))]
        pieces, told = detokenizer(tokenizer), ""
        wanted = whole(kind, [KINDS[kind][i] for i in given])
        for token_id in given:
            told += pieces.push(token_id)
            assert wanted.startswith(told)
        assert told + pieces.flush() == wanted
        assert pieces.push(10_000) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_goes_on_loses_and_repeats_nothing(kind: str) -> None:
    tokenizer, draw = stub(kind, KINDS[kind]), random.Random(2)
    for _ in range(2000):
        given = [draw.randrange(len(KINDS[kind])) for _ in range(draw.randint(2, 12))]
        cut = draw.randint(1, len(given) - 1)
        before, after = detokenizer(tokenizer), detokenizer(tokenizer, given[:cut])
        first = "".join([*map(before.push, given[:cut]), before.flush()])
        if kind == "CTRLTokenizer" and KINDS[kind][given[cut - 1]].endswith("@@"):
            first = first.removesuffix("@@")  # the sign that a text ended inside a word
        second = "".join([*map(after.push, given[cut:]), after.flush()])
        wanted = whole(kind, [KINDS[kind][i] for i in given])
        assert "".join((first + second).split()) == "".join(wanted.split())


def test_a_word_shows_at_once_and_its_mark_never() -> None:
    words = ["river@@", "side", "is", "."]
    pieces = detokenizer(stub("CTRLTokenizer", words))
    assert [pieces.push(i) for i in (0, 1, 2, 3)] == ["river", "side", " is", "."]
    pieces = detokenizer(stub("OpenAIGPTTokenizer", ["the</w>", "n</w>", "'</w>", "t</w>"]))
    assert [pieces.push(i) for i in (0, 0, 1, 2, 3)] == ["the", " the", "", "", "n't"]


def test_spaces_and_quotes_without_end_are_told_in_time() -> None:
    pieces = detokenizer(stub("XLMTokenizer", ["'</w>", "x</w>", "\n"]))
    told = "".join(pieces.push(0) for _ in range(400))
    assert len(told) > 350
    assert "".join(pieces.push(2) for _ in range(400)) in ("", "'")
    assert pieces.push(1).endswith("\nx")


def test_tidying_is_the_library_s() -> None:
    draw = random.Random(3)
    for _ in range(3000):
        text = "".join(draw.choice([" ", " ", "'", "n't", ".", ",", "a", "m", "ve", "s", "re"]) for _ in range(12))
        assert tidied(text) == byte_level_tokenizer().clean_up_tokenization(text)


@needs_golden
def test_single_tokens_show_their_spaces() -> None:
    shown = {
        name: golden_model(name).piece(golden_model(name).tokenizer.convert_tokens_to_ids(token))
        for name, token in {"openai-gpt": "the</w>", "xlm": "the</w>", "xlnet": "▁the", "ctrl": "l@@"}.items()
    }
    assert shown == {"openai-gpt": "the ", "xlm": "the ", "xlnet": " the", "ctrl": "l@@"}


@needs_golden
def test_xlnet_s_tokenizer_can_be_copied_and_saved(tmp_path: Path) -> None:
    tokenizer = golden_model("xlnet").tokenizer
    assert isinstance(tokenizer, XLNetTokenizer)
    text = "There were 1,500 (3.5 million?) “news” ``here'' <sep> café"
    wanted = tokenizer.encode(text)
    assert copy.deepcopy(tokenizer).encode(text) == wanted
    tokenizer.save_pretrained(tmp_path)
    assert FAMILIES["xlnet"].tokenizer(str(tmp_path)).encode(text) == wanted
    assert (tmp_path / "spiece.model").is_file()


@needs_golden
def test_a_folder_that_the_library_saved_gives_the_same_ids(tmp_path: Path) -> None:
    folder = GOLDEN / "checkpoints" / "xlnet"
    transformers.XLNetTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    shutil.copy(folder / "spiece.model", tmp_path)
    ours, saved = golden_model("xlnet").tokenizer, FAMILIES["xlnet"].tokenizer(str(tmp_path))
    text = 'There were 1,500 (3.5 million?) "news"<sep>-- <eod> here.'
    assert saved.encode(text) == ours.encode(text)
    assert set(saved.all_special_ids) == set(ours.all_special_ids)
