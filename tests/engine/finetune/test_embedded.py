"""The model that ships with the program, tuned on a few pages of a novel."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

import engine
from engine.finetune.events import Compared, Finished, Saved, Step
from engine.finetune.loop import finetune
from engine.scoring import score_text
from engine.settings import Settings
from tests.engine.finetune.test_loop import same, weights
from tests.engine.finetune.tuning import job, of, started, tuned
from tests.paths import CORPUS, needs_corpus


@needs_corpus
@pytest.mark.slow
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_it_leans_towards_the_novel(tmp_path: Path, lora: bool) -> None:
    """Less surprised by pages it has not seen, whether the run is broken off or not; its own weights stay."""
    with lzma.open(CORPUS / "classic-novels.txt.xz", "rt", encoding="utf-8") as file:
        novel = file.read()[-60_000:]  # of the sea, which the model knows little of
    text, unseen = tmp_path / "novel.txt", novel[50_000:52_000]
    text.write_text(novel[:40_000], encoding="utf-8")
    options = {"lora": lora, "block_size": 128, "steps": 10, "learning_rate": None}
    plain = engine.load(None, device="cpu")
    whole = tuned(job(Path("embedded"), text, tmp_path / "whole", **options))
    end = whole[-1]
    assert isinstance(end, Finished) and end.held_out_loss < end.base_loss - 0.02, end
    assert any(event.base != event.tuned for event in of(Compared, whole))
    run = finetune(job(Path("embedded"), text, tmp_path / "broken", **options))
    next(event for event in run if isinstance(event, Saved))
    run.close()
    rest = tuned(job(Path("embedded"), text, tmp_path / "broken", **options))
    assert started(rest).step + len(of(Step, rest)) == 10
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    before = score_text(plain, unseen, Settings()).bits
    if lora:
        import peft

        peft.PeftModel.from_pretrained(plain.model, tmp_path / "whole").eval()
        after = score_text(plain, unseen, Settings()).bits
    else:
        AutoModelForCausalLM.from_pretrained(tmp_path / "whole")
        after = score_text(engine.load(str(tmp_path / "whole"), device="cpu"), unseen, Settings()).bits
    assert after < before
