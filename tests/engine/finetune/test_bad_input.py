"""What a run is refused for, or breaks at: one line each, and nothing left behind that was whole before."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.finetune import room
from engine.finetune.events import Failed, Finished, Saved
from engine.finetune.loop import finetune
from engine.finetune.trainer import CarefulTrainer
from tests.engine.finetune.tuning import TEXT, job, of, tuned
from tests.models import saved, tiny_openai_gpt
from tests.paths import GOLDEN, needs_golden


def failed(given: Any) -> str:
    """The one line that a job fails with."""
    end = list(finetune(given))[-1]
    assert isinstance(end, Failed) and "\n" not in end.error, end
    return end.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty, there is nothing to learn from"),
        (b" \n\n\t", "empty, there is nothing to learn from"),
        (b"\x00\x01\x02" * 100, "line 1: binary, no text"),
        (b"good\n" * 20 + b"\xff\xfe", "line 21: no UTF-8 text"),
        (b"too short a text", "tokens are too few to learn from; 32 are the fewest"),
    ],
)
def test_a_text_that_is_none(base: Path, tmp_path: Path, out: Path, content: bytes, said: str) -> None:
    file = tmp_path / "given.txt"
    file.write_bytes(content)
    assert said in failed(job(base, file, out, block_size=None))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.txt"]


def test_a_file_that_is_none(base: Path, tmp_path: Path, out: Path) -> None:
    assert "No such file" in failed(job(base, tmp_path / "absent.txt", out))
    assert "a folder, no text file" in failed(job(base, tmp_path, out))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"block_size": 65}, "block_size 65: .* takes 64 tokens at most"),
        ({"dtype": "float16"}, "dtype float16: too coarse for training"),
        ({"device": "cuda:7"}, "there is none on this machine"),
    ],
)
def test_a_job_that_cannot_be_done(base: Path, text: Path, out: Path, changes: dict[str, Any], said: str) -> None:
    import re

    assert re.search(said, failed(job(base, text, out, **changes)))
    assert not out.with_name("tuned.unfinished").exists()


def test_a_text_of_less_than_two_blocks_is_told_what_fits(base: Path, tmp_path: Path, out: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_text(TEXT[:200])
    error = failed(job(base, file, out, block_size=64))
    assert "are not two blocks of 64" in error
    fits = int(error.rpartition("blocks of ")[2].split()[0])
    tuned(job(base, file, out, block_size=fits, steps=1))


def test_a_place_that_is_taken_or_another_runs(base: Path, text: Path, tmp_path: Path, out: Path) -> None:
    out.mkdir()
    assert "is there already; name another folder" in failed(job(base, text, out))
    out.rmdir()
    run = finetune(job(base, text, out))
    next(event for event in run if isinstance(event, Saved))
    assert "another process is at this run" in failed(job(base, text, out))
    run.close()
    assert "is of another run: its learning_rate is 0.005, this one's is 0.1" in failed(
        job(base, text, out, learning_rate=0.1)
    )
    other = tmp_path / "other.txt"
    other.write_text(TEXT + "And more.")
    assert "its text is another one" in failed(job(base, other, out))
    (out.with_name("tuned.unfinished") / "run.json").write_text("[]")
    assert "no run can be read from it" in failed(job(base, text, out))


def test_a_folder_that_cannot_be_written(base: Path, text: Path, tmp_path: Path) -> None:
    assert "cannot be written" in failed(job(base, text, text / "below" / "a file"))


def test_without_room_it_does_not_begin(base: Path, text: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_memory", lambda _: 100_000)
    error = failed(job(base, text, out))
    assert "no room on cpu: training takes about" in error and "try --lora" in error
    monkeypatch.undo()
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "GB are free on this disk" in failed(job(base, text, out))
    assert not out.with_name("tuned.unfinished").exists()


def test_a_disk_that_fills_up_leaves_the_last_checkpoint(
    base: Path, text: Path, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuned(job(base, text, tmp_path / "whole"))[-1]
    real, written = torch.save, []

    def filling(thing: Any, file: Any, *args: Any, **options: Any) -> None:
        written.append(file)
        if len(written) > 4:  # in the middle of the second checkpoint
            raise OSError(errno.ENOSPC, "No space left on device")
        real(thing, file, *args, **options)

    monkeypatch.setattr(torch, "save", filling)
    events = list(finetune(job(base, text, out)))
    end = events[-1]
    assert isinstance(end, Failed) and "cannot be written: No space left on device" in end.error
    assert len(of(Saved, events)) == 1 and end.folder == str(out.with_name("tuned.unfinished"))
    assert not (Path(end.folder) / ".writing").exists()
    monkeypatch.undo()
    again = tuned(job(base, text, out))[-1]
    assert isinstance(again, Finished) and isinstance(whole, Finished)
    assert again.held_out_loss == whole.held_out_loss


def test_out_of_memory_proposes_less_at_once(
    base: Path, text: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(CarefulTrainer, "training_step", full)
    assert "no room left on cpu: try again with --at_once 1" in failed(job(base, text, out))
    assert "try --block_size 16 or --lora" in failed(job(base, text, out.with_name("other"), batch_size=1))


@needs_golden
@pytest.mark.parametrize("name", ["xlnet", "xlm", "transfo-xl"])
def test_families_whose_loss_is_another_are_refused_with_why(text: Path, out: Path, name: str) -> None:
    error = failed(job(GOLDEN / "checkpoints" / name, text, out, block_size=16))
    assert "cannot be fine-tuned" in error and ("learns" in error or "loss" in error)


@needs_golden
@pytest.mark.parametrize("name", ["gpt2", "llama", "ctrl", "openai-gpt"])
def test_families_that_learn(text: Path, out: Path, name: str) -> None:
    end = tuned(job(GOLDEN / "checkpoints" / name, text, out, block_size=16, steps=6))[-1]
    assert isinstance(end, Finished) and end.held_out_loss < end.base_loss, end


def test_a_model_that_looks_ahead_is_found_by_a_try(
    text: Path, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertConfig, BertLMHeadModel

    from tests.models import byte_level_tokenizer

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertLMHeadModel(BertConfig(vocab_size=300, **sizes)).save_pretrained(tmp_path / "bert")
    byte_level_tokenizer().save_pretrained(tmp_path / "bert")
    assert "its loss is not that of the next token (bert)" in failed(job(tmp_path / "bert", text, out, block_size=16))


def test_what_the_library_gives_no_cache_can_be_tuned_too(text: Path, tmp_path: Path, out: Path) -> None:
    end = tuned(job(saved(tiny_openai_gpt(), tmp_path / "gpt"), text, out, steps=6))[-1]
    assert isinstance(end, Finished) and end.held_out_loss < end.base_loss
