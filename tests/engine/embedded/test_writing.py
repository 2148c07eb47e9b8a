from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from engine.models.embedded.corpus import read_file
from engine.models.embedded.likelihood import plain_passages
from engine.models.embedded.sample import OPENINGS, continuations
from engine.models.embedded.writing import all_words, counts, distinct, english_words, lower_case_words
from tests.paths import CORPUS, needs_corpus

from .tiny import trained


def test_words_are_runs_of_letters() -> None:
    text = " and he said: \"Don't go, Anna's well-known cat's 2nd nine--lives o’clock!\" half"
    words = ["and", "he", "said", "don't", "go", "anna's", "well", "known", "cat's", "nd", "nine", "lives", "o'clock"]
    assert all_words(text) == words
    assert lower_case_words([text]) == [
        "and",
        "he",
        "said",
        "go",
        "well",
        "known",
        "cat",
        "nd",
        "nine",
        "lives",
        "o'clock",
    ]


def test_a_word_that_may_be_cut_short_is_not_counted() -> None:
    assert all_words("s went home. The do") == ["went", "home", "the"]
    assert all_words("ing-room was cold.") == ["was", "cold"]
    assert all_words("unending") == [] == all_words("")


def test_english_words_and_others() -> None:
    words = ["a", "o", "the", "mother's", "wouldn't", "handkerchief", "color", "grey", "whale"]
    assert english_words({*words, "suspread", "monnicime", "dain", "b", "i"}) == set(words)


def test_plain_english_is_english_and_random_letters_are_not() -> None:
    assert counts(None, [plain_passages()]).english_share > 0.99
    draw = random.Random(1)
    noise = " ".join("".join(draw.choices(string.ascii_lowercase, k=draw.randint(3, 8))) for _ in range(3000))
    assert counts(None, [[f" {noise}."]]).english_share < 0.03


@needs_corpus
def test_held_out_classic_prose_is_english() -> None:
    texts = list(read_file(CORPUS / "children-classics.txt.xz").held_out(100))
    assert counts(None, [texts]).english_share > 0.98


def test_repetition() -> None:
    assert distinct(["abcd", "abab"], 1) == 4 / 8
    assert distinct(["abcd", "abab"], 2) == 4 / 6  # ab bc cd ba
    assert distinct(["ab", "cd"], 3) == 0.0, "none goes from one text into the next"
    found = counts(0.8, [[" one two" * 25 + ".", " too short."], [f" {' '.join(map(chr, range(97, 97 + 26)))}." * 2]])
    assert found.texts == 2
    assert found.within == pytest.approx(((2 / 50 + 26 / 50) / 2, (2 / 49 + 26 / 49) / 2, (2 / 48 + 26 / 48) / 2))
    assert found.over_all == pytest.approx((28 / 100, 28 / 98, 28 / 96))
    assert found.words == (52, 52)


def test_a_continuation_is_the_librarys_sampling_and_its_seeds(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    before = torch.random.get_rng_state()
    texts = continuations(model, tokenizer, "Rain", seed=3, temperature=0.5, length=6, count=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    ids = torch.tensor([tokenizer.encode("Rain").ids])
    torch.manual_seed(3)
    output = model.generate(
        ids, do_sample=True, temperature=0.5, top_k=0, max_new_tokens=6, num_return_sequences=2, pad_token_id=0
    )
    assert texts == [tokenizer.decode(row[ids.shape[1] :].tolist()) for row in output]
    assert continuations(model, tokenizer, "Rain", seed=4, temperature=0.5, length=6, count=2) != texts


def test_the_openings_are_of_many_kinds() -> None:
    assert len(set(OPENINGS)) == 15
    assert {"Two roads diverged in a yellow wood, and", "Dear Sir,", "The future of"} <= set(OPENINGS)
