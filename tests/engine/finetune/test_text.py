"""From a text to blocks: nothing lost, nothing in both parts, and what stands before a prompt before each."""

from __future__ import annotations

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.finetune.text import block_size, cut, encode, head, openings, read
from engine.models.embedded import CHECKPOINT
from engine.models.loaded import LoadedModel
from tests.engine.finetune.tuning import TEXT
from tests.models import loaded, tiny_gpt2


@given(st.integers(32, 5000), st.integers(0, 3), st.sampled_from([None, 24, 64, 1024]))
def test_every_block_is_whole_and_in_one_part(tokens: int, marks: int, positions: int | None) -> None:
    size = block_size(tokens, positions, marks)
    assert size <= min(positions or 512, 512)
    ids = list(range(100, 100 + tokens))
    blocks = cut(ids, [7] * marks, size, "text")
    assert blocks.training.shape[1] == blocks.held_out.shape[1] == size
    assert len(blocks.training) >= 1 and 1 <= len(blocks.held_out) <= max((tokens // (size - marks)) // 10, 1)
    assert torch.all(blocks.training[:, :marks] == 7) and torch.all(blocks.held_out[:, :marks] == 7)
    seen = sorted(torch.cat([blocks.training[:, marks:].flatten(), blocks.held_out[:, marks:].flatten()]).tolist())
    assert seen == ids[: len(seen)] and tokens - len(seen) < -(-tokens // (size - marks)) + 1


def test_the_held_out_blocks_are_spread_and_the_same_each_time() -> None:
    blocks = cut(list(range(4000)), [], 40, "text")
    firsts = (blocks.held_out[:, 0] // 40).tolist()
    assert firsts == [9, 19, 29, 39, 49, 59, 69, 79, 89, 99]
    assert torch.equal(cut(list(range(4000)), [], 40, "text").held_out, blocks.held_out)


def test_a_large_text_holds_no_more_out_than_is_worth_reading() -> None:
    assert cut(list(range(2_000_000)), [], 512, "text").held_out.numel() == 32_768


def test_what_the_tokenizer_puts_before_a_prompt_stands_before_each_block(gpt2: LoadedModel) -> None:
    assert head(gpt2, "") == [] and head(gpt2, "Books ") == encode(gpt2, "Books ")
    from transformers import AutoTokenizer

    embedded = loaded(tiny_gpt2(vocab_size=4096).model, AutoTokenizer.from_pretrained(CHECKPOINT))
    assert head(embedded, "") == [0]
    assert embedded.tokenizer.encode("a river")[0] == 0 and encode(embedded, "a river")[0] != 0


def test_openings_are_words_of_the_held_out_text(gpt2: LoadedModel) -> None:
    blocks = cut(encode(gpt2, TEXT), [], 32, "text")
    found = openings(gpt2, blocks, 0, 3)
    assert len(found) == 3 and all(opening in TEXT.replace("\n", " ") for opening in found)


def test_newlines_count_alike_on_all_systems(tmp_path: Path) -> None:
    (tmp_path / "unix").write_bytes(b"one\ntwo\n")
    (tmp_path / "dos").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert read(tmp_path / "unix").sha256 == read(tmp_path / "dos").sha256
