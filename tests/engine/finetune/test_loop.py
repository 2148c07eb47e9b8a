"""A run from job to result: what it tells, what it learns, how it ends, and how it goes on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import engine
from engine.events import Progress
from engine.finetune.events import (
    Compared,
    Evaluated,
    Failed,
    Finished,
    Left,
    Sampled,
    Saved,
    Step,
    from_line,
    to_line,
)
from engine.finetune.job import Hand
from engine.finetune.loop import finetune
from engine.finetune.naming import job_of
from engine.finetune.workplace import Workplace
from engine.scoring import score_text
from engine.settings import Settings
from tests.engine.finetune.tuning import OF_ITS_KIND, job, of, started, tuned


def weights(folder: Path) -> dict[str, torch.Tensor]:
    [file] = [path for path in folder.glob("*.safetensors")]
    return load_file(file)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def bits(model: engine.LoadedModel) -> float:
    return score_text(model, OF_ITS_KIND, Settings()).bits


def test_what_is_told_in_which_order(base: Path, text: Path, out: Path) -> None:
    events = tuned(job(base, text, out, prompts=("The old",)))
    kinds = [type(event) for event in events if not isinstance(event, Progress)]
    assert kinds[0].__name__ == "Started" and kinds[-4:] == [Compared, Compared, Compared, Finished]
    begun = started(events)
    assert (begun.step, begun.steps, begun.parameters, begun.trainable) == (0, 12, 12416, 12416)
    assert begun.blocks + begun.held_out == begun.tokens // 32 and begun.held_out == (begun.tokens // 32) // 10
    steps = of(Step, events)
    assert [step.step for step in steps] == list(range(1, 13)) and all(step.tokens_per_s > 0 for step in steps)
    evaluated = of(Evaluated, events)
    assert evaluated[-1].step == 12 and len(evaluated) >= 4
    assert all(event.perplexity == pytest.approx(math.exp(event.held_out_loss)) for event in evaluated)
    assert [event.step for event in of(Sampled, events)] == [event.step for event in evaluated]
    assert of(Compared, events)[0].prompt == "The old" and all(e.base and e.tuned for e in of(Compared, events))
    assert [from_line(to_line(event)) for event in events] == [
        from_line(to_line(event)) for event in map(from_line, map(to_line, events)) if event is not None
    ]


def test_it_learns_the_text_and_is_an_ordinary_checkpoint(base: Path, text: Path, out: Path) -> None:
    end = tuned(job(base, text, out, steps=60))[-1]
    assert isinstance(end, Finished) and end.held_out_loss < end.base_loss - 1
    plain = AutoModelForCausalLM.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = engine.load(str(out), device="cpu")
    ids = tokenizer(OF_ITS_KIND, return_tensors="pt")["input_ids"]
    assert ids[0].tolist() == model.family.encode(model, OF_ITS_KIND)
    with torch.no_grad():
        assert torch.equal(plain.eval()(ids).logits, model.model(ids).logits)
    assert bits(model) < 0.7 * bits(engine.load(str(base), device="cpu"))
    assert plain.config.use_cache and plain.dtype == torch.float32
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o644}
    facts = json.loads((out / "finetune.json").read_text())
    assert facts["held_out_loss"] == end.held_out_loss and facts["losses"][0][0] == 1
    card = (out / "README.md").read_text()
    assert facts["text"]["sha256"] in card and "`keeper.txt`" in card and f"{end.held_out_loss:.3f}" in card
    assert not out.with_name("tuned.unfinished").exists()


@pytest.mark.parametrize(
    ("lora", "at"), [(False, 3), (False, 12), (True, 14)], ids=["full", "full, at an epoch's end", "lora"]
)
def test_a_run_that_was_broken_off_comes_to_the_same_weights(
    base: Path, text: Path, tmp_path: Path, lora: bool, at: int
) -> None:
    options = {"lora": lora, "steps": 18, "batch_size": 4}
    whole = tuned(job(base, text, tmp_path / "whole", **options))
    broken = job(base, text, tmp_path / "broken", **options)
    run = finetune(broken)
    for event in run:
        if isinstance(event, Saved) and event.step >= at:
            break
    run.close()
    place = Workplace(tmp_path / "broken")
    assert not place.out.exists() and job_of(place) == broken
    kept = sorted(path.name for path in place.folder.iterdir())
    assert not [path for path in place.folder.rglob("*") if path.suffix in (".bin", ".pkl")], "no pickle of anything"
    rest = tuned(job_of(place))
    begun = started(rest)
    assert begun.step >= at and f"checkpoint-{begun.step}" in kept
    assert [point[0] for point in begun.losses] == list(range(1, begun.step + 1))
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    assert whole[-1].held_out_loss == rest[-1].held_out_loss  # type: ignore[union-attr]
    told = [event.loss for event in of(Step, whole)]
    assert [event.loss for event in of(Step, rest)] == told[begun.step :]


def test_stopping_keeps_the_best_so_far(base: Path, text: Path, out: Path) -> None:
    hand, seen = Hand(), []
    for event in finetune(job(base, text, out, steps=900), hand):
        seen.append(event)
        if isinstance(event, Step) and event.step >= 7:
            hand.stop()
    end = seen[-1]
    assert isinstance(end, Finished) and 7 <= end.done <= 9 and end.why == "stopped"
    assert end.held_out_loss < end.base_loss
    AutoModelForCausalLM.from_pretrained(out)


def test_leaving_writes_a_checkpoint_to_go_on_from(base: Path, text: Path, out: Path) -> None:
    hand, seen = Hand(), []
    for event in finetune(job(base, text, out, steps=1000), hand):
        seen.append(event)
        if isinstance(event, Step) and event.step == 5:
            hand.leave()
    end = seen[-1]
    assert isinstance(end, Left) and end.step >= 5 and not out.exists()
    again = finetune(job(base, text, out, steps=1000))
    assert started([next(event for event in again if not isinstance(event, Progress))]).step == end.step
    again.close()


def test_stopped_before_it_began_it_leaves_nothing(base: Path, text: Path, out: Path, tmp_path: Path) -> None:
    hand = Hand()
    hand.stop()
    end = list(finetune(job(base, text, out), hand))[-1]
    assert isinstance(end, Failed) and "nothing was learned" in end.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keeper.txt"]


def test_a_rate_that_diverges_is_told_and_stopped(base: Path, text: Path, out: Path) -> None:
    events = list(finetune(job(base, text, out, steps=200, learning_rate=10.0)))
    end = events[-1]
    assert len(of(Step, events)) < 200
    assert isinstance(end, Failed) and "learning rate 10 is too high; try --learning_rate 1" in end.error
    assert not out.exists() and not out.with_name("tuned.unfinished").exists()


def test_what_was_better_than_the_base_survives_a_divergence(
    base: Path, text: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.finetune.trainer import Telling

    real = Telling.on_log

    def poisoned(self: Telling, args: object, state: Any, control: object, logs: dict[str, float], **more: Any) -> None:
        lost = {"loss": math.nan} if state.global_step == 8 and "loss" in logs else {}
        real(self, args, state, control, logs | lost, **more)

    monkeypatch.setattr(Telling, "on_log", poisoned)
    end = tuned(job(base, text, out))[-1]
    assert isinstance(end, Finished) and end.done == 8 and end.step < 8 and "ran away at step 8" in end.why
    assert end.held_out_loss < end.base_loss and (out / "model.safetensors").is_file()


def test_the_best_step_is_kept_not_the_last(base: Path, tmp_path: Path, out: Path) -> None:
    """A short text is soon known by heart, and what was held out is then read worse and worse."""
    file = tmp_path / "short.txt"
    letters = "".join(chr(97 + (7 * i * i + 3 * i) % 26) for i in range(400))
    file.write_text(letters)
    events = tuned(job(base, file, out, steps=120, learning_rate=2e-2, block_size=16, batch_size=8))
    end = events[-1]
    evaluated = of(Evaluated, events)
    best = min(evaluated, key=lambda event: event.held_out_loss)
    assert isinstance(end, Finished) and (end.step, end.held_out_loss) == (best.step, best.held_out_loss)
    assert best.step < evaluated[-1].step and [e.best for e in evaluated][-1] is False
    facts = json.loads((out / "finetune.json").read_text())
    assert (facts["step"], facts["done"]) == (best.step, 120)
