"""Text that is told word by word is the text that all words give at once."""

from __future__ import annotations

import random
import time
from itertools import accumulate
from pathlib import Path

import pytest

from engine.families.transfo_xl.tokenizer import TransfoXLTokenizer
from tests.engine.transfo_xl.tiny import write_vocabulary
from tests.paths import golden_cases

SYMBOLS = [
    "the",
    "keepers",
    "7",
    "500",
    ",",
    ".",
    "?",
    '"',
    "'",
    "'s",
    "(",
    ")",
    "$",
    "%",
    "@,@",
    "@.@",
    "<eos>",
    "日本",
    "``",
]
HYPHEN = "@-@"


@pytest.fixture
def tokenizer(tmp_path: Path) -> TransfoXLTokenizer:
    return TransfoXLTokenizer(str(write_vocabulary(tmp_path, [*SYMBOLS, HYPHEN])))


def told(tokenizer: TransfoXLTokenizer, ids: list[int], before: int = 0) -> list[str]:
    stream = tokenizer.detokenizer(ids[:before])
    return [*(stream.push(index) for index in ids[before:]), stream.flush()]


def whole(tokenizer: TransfoXLTokenizer, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, clean_up_tokenization_spaces=False))


def test_a_sign_waits_for_what_it_joins(tokenizer: TransfoXLTokenizer) -> None:
    ids = [tokenizer.sym2idx[symbol] for symbol in ("7", "@,@", "500", '"', "the", HYPHEN, "keepers", '"', ".")]
    assert told(tokenizer, ids) == ["7", "", ",500", ' "', "the", "", "-keepers", '"', ".", ""]


@pytest.mark.parametrize("seed", range(30))
def test_the_pieces_joined_are_the_whole(tokenizer: TransfoXLTokenizer, seed: int) -> None:
    """Quotation marks stay open over any distance, and what came before counts."""
    draw = random.Random(seed)
    ids = draw.choices(range(len(SYMBOLS)), weights=[6, 6, 3, 3] + [1] * (len(SYMBOLS) - 4), k=250)
    assert "".join(told(tokenizer, ids)) == whole(tokenizer, ids)
    before = next(at for at in range(100, 250) if ids[at - 1] < 4 and ids[at] < 4)
    assert whole(tokenizer, ids[:before]) + "".join(told(tokenizer, ids, before)) == whole(tokenizer, ids)


@pytest.mark.parametrize("seed", range(10))
def test_words_with_hyphens(tokenizer: TransfoXLTokenizer, seed: int) -> None:
    draw = random.Random(seed)
    hyphen, ids = len(SYMBOLS), [0]
    for _ in range(150):
        ids += [hyphen, draw.randrange(4)] if ids[-1] < 4 and draw.random() < 0.3 else [draw.randrange(14)]
    assert "".join(told(tokenizer, ids)) == whole(tokenizer, ids)


def test_a_hyphen_after_punctuation_takes_nothing_back(tokenizer: TransfoXLTokenizer) -> None:
    ids = [tokenizer.sym2idx[symbol] for symbol in ("the", ".", HYPHEN, "the")]
    assert "".join(told(tokenizer, ids)).startswith("the.")


def test_signs_without_end_do_not_wait_for_ever(tokenizer: TransfoXLTokenizer) -> None:
    ids = [0] + [tokenizer.sym2idx["@,@"]] * 40
    pieces = list(accumulate(told(tokenizer, ids)))
    assert len(pieces[20]) > 20


def test_a_word_costs_the_same_at_any_length(tokenizer: TransfoXLTokenizer) -> None:
    stream = tokenizer.detokenizer()
    for _ in range(3000):
        stream.push(0)
    assert len(stream._words) <= 49
    start = time.perf_counter()
    for _ in range(100):
        stream.push(0)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("name", ["transfo-xl", "transfo-xl-div4"])
def test_the_reference_sequences(name: str) -> None:
    from tests.golden.test_transfo_xl import loaded

    cases = [case["sequences"][0] for case in golden_cases(name)["cases"] if "sequences" in case]
    cases += [entry["input_ids"] for kind in ("prompts", "texts") for entry in golden_cases(name)[kind]]
    if not cases:
        pytest.skip("the reference data are not beside this checkout")
    tokenizer = loaded(name).tokenizer
    for ids in cases:
        assert "".join(told(tokenizer, ids)) == whole(tokenizer, ids)
