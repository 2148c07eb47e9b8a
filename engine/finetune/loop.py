"""Fine-tuning: from a job to events."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError, one_line
from engine.finetune import result, text
from engine.finetune.events import Curve, Event, Failed, Left, Sampled, Started
from engine.finetune.job import Hand, Job
from engine.finetune.naming import workplace_for
from engine.finetune.result import Outcome, Tell
from engine.finetune.setup import Ready, prepared
from engine.finetune.stream import told
from engine.finetune.trainer import Telling, trainer_for
from engine.finetune.workplace import Workplace
from engine.finetune.writing import SAMPLE_TOKENS, written
from engine.models.placement import give_back, is_out_of_memory

_LOG = logging.getLogger(__name__)


def finetune(job: Job, hand: Hand | None = None) -> Iterator[Event]:
    """Train a model on a text, or go on where an earlier run for the same place stopped; yields `events.Event`.

    The last event is `Finished`, `Left` or `Failed`. `hand` can stop it, which makes the result of the best step so
    far, or leave it; closing the generator ends it where it is, and it goes on later from its last checkpoint.
    """
    reins = hand or Hand()
    return told(lambda tell: _tune(job, reins, tell))


def _tune(job: Job, hand: Hand, tell: Tell) -> None:
    place: Workplace | None = None
    ready: Ready | None = None
    try:
        source = text.read(job.text)
        place = workplace_for(job, source)
        ready = prepared(job, source, place, tell)
        outcome = _Learning(ready, hand, tell).run() if not hand.over else None
        if hand.left:
            tell(Left(str(place.folder), _step_of(place.checkpoint())))
        elif outcome is None:
            tell(Failed("stopped before the first step: nothing was learned"))
        else:
            result.make(ready, outcome, tell)
    except Exception as error:  # libraries and models are foreign code: whatever they raise ends this run alone
        if not isinstance(error, EngineError):
            _LOG.debug("a fine-tuning failed", exc_info=True)
        begun = place is not None and place.checkpoint() is not None
        tell(Failed(_why(error, ready), str(place.folder) if place and begun else ""))
    finally:
        if place is not None:
            place.leave()


@dataclass(frozen=True, slots=True)
class _Base:
    """What the base does, measured before any training."""

    loss: float
    texts: tuple[str, ...]
    """Its continuations of the plan's prompts."""


class _Learning:
    """The training of a run that is ready."""

    def __init__(self, ready: Ready, hand: Hand, tell: Tell) -> None:
        self._ready, self._hand, self._tell = ready, hand, tell
        self._telling = Telling(ready.plan, hand, tell, self._keep, self._sample)
        self._trainer = trainer_for(
            ready.learner, ready.blocks.training, ready.blocks.held_out, ready.plan, ready.place, self._telling
        )
        self._best = result.kept(ready.place)

    def run(self) -> Outcome | None:
        """Train to the end, or until it is stopped, left, or runs away. None where no step was made."""
        ready, telling, trainer = self._ready, self._telling, self._trainer
        base = self._base()
        telling.base_loss = base.loss
        checkpoint = ready.place.checkpoint()
        history, done = _history(checkpoint), _step_of(checkpoint)
        self._begin(base, checkpoint, *curves(history))
        if not self._hand.over:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            history, done = trainer.state.log_history, trainer.state.global_step
        ran_away = telling.diverged_at is not None
        self._free()
        if self._best is None and not ran_away:
            return None
        best = self._best or (0, math.inf)
        return Outcome(done, *best, base.loss, base.texts, *curves(history), ran_away)

    def _begin(self, base: _Base, checkpoint: Path | None, losses: Curve, held_out: Curve) -> None:
        ready = self._ready
        self._tell(
            Started(
                folder=str(ready.place.folder),
                model=ready.model.name,
                text=str(ready.text.path),
                parameters=ready.parameters,
                trainable=ready.trainable,
                tokens=ready.blocks.tokens,
                blocks=len(ready.blocks.training),
                held_out=len(ready.blocks.held_out),
                step=_step_of(checkpoint),
                steps=ready.plan.steps,
                base_loss=base.loss,
                settings=ready.plan.plain(),
                losses=losses,
                held_out_losses=held_out,
            )
        )

    def _base(self) -> _Base:
        """The base's loss and texts: measured, and written down with what the run is; or as they were written down."""
        ready = self._ready
        begun = ready.place.description()
        if begun:
            return _Base(begun["base"]["loss"], tuple(begun["base"]["texts"]))
        texts = tuple(written(ready.model, prompt, ready.plan.seed) for prompt in ready.plan.prompts)
        base = _Base(self._trainer.evaluate()["eval_loss"], texts)
        ready.place.describe(
            {
                "job": ready.job.plain(),
                "plan": ready.plan.plain(),
                "text": {"path": str(ready.text.path.absolute()), "sha256": ready.text.sha256},
                "base": {"sums": ready.model.sums, "loss": base.loss, "texts": base.texts},
            }
        )
        return base

    def _keep(self, step: int, loss: float) -> bool:
        """Keep the weights of this step, if no step before was better."""
        if not math.isfinite(loss) or (self._best is not None and loss >= self._best[1]):
            return False
        result.keep(self._ready, step, loss)
        self._best = (step, loss)
        return True

    def _sample(self, step: int) -> None:
        plan = self._ready.plan
        if plan.prompts:
            text = written(self._ready.model, plan.prompts[0], plan.seed, SAMPLE_TOKENS)
            self._tell(Sampled(step, plan.prompts[0], text))

    def _free(self) -> None:
        """Let go of gradients and the optimizer."""
        self._trainer.accelerator.free_memory()
        self._ready.learner.zero_grad(set_to_none=True)
        del self._trainer
        give_back()


def curves(history: list[dict[str, float]]) -> tuple[Curve, Curve]:
    """Training and held-out losses by step, of a Trainer's log."""
    losses = tuple((int(line["step"]), line["loss"]) for line in history if "loss" in line)
    held_out = tuple((int(line["step"]), line["eval_loss"]) for line in history if "eval_loss" in line)
    return losses, tuple(point for point in held_out if point[0])


def _history(checkpoint: Path | None) -> list[dict[str, float]]:
    """The Trainer's log up to a checkpoint."""
    if checkpoint is None:
        return []
    log: list[dict[str, float]] = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    return log


def _step_of(checkpoint: Path | None) -> int:
    return int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0


def _why(error: Exception, ready: Ready | None) -> str:
    if ready is None or not is_out_of_memory(error):
        return one_line(error)
    plan, where = ready.plan, ready.model.device
    if plan.at_once > 1:
        return f"no room left on {where}: try again with --at_once {plan.at_once // 2}"
    lora = "" if plan.lora else " or --lora"
    return f"no room left on {where}: try --block_size {max(plan.block_size // 2, 4)}{lora}, in another --out"
