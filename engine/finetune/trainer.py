"""transformers' Trainer, told when to report, to read the held-out blocks and to write a checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from engine.finetune.events import Evaluated, Event, Saved, Step
from engine.finetune.plan import CLIP, Plan
from engine.finetune.workplace import Workplace

if TYPE_CHECKING:
    from engine.finetune.job import Hand

CHECKPOINT_S = 300.0
"""Seconds after which a checkpoint is written, were it between two evaluations."""
_REPORTS = 1000
_RECENT = 3  # reports whose mean tells that a run diverges


class Rows(Dataset[dict[str, torch.Tensor]]):
    """Blocks as the Trainer takes them: the labels are the ids, which the model shifts itself."""

    def __init__(self, blocks: torch.Tensor) -> None:
        self._blocks = blocks

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, place: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self._blocks[place], "labels": self._blocks[place]}


class Telling(TrainerCallback):  # type: ignore[misc]
    """Tells how it goes, and decides at each step what is to be done."""

    def __init__(
        self,
        plan: Plan,
        hand: Hand,
        tell: Callable[[Event], None],
        keep: Callable[[int, float], bool],
        sample: Callable[[int], None],
    ) -> None:
        """`keep` takes a step and its held-out loss, and says whether it is the best; `sample` lets the model write."""
        self._plan, self._hand, self._tell, self._keep, self._sample = plan, hand, tell, keep, sample
        self._report_every = max(plan.steps // _REPORTS, 1)
        self._first_loss = math.nan
        self._recent: list[float] = []
        self.clock = Clock()
        self._saved_at = time.monotonic()
        self.base_loss = math.nan
        self.diverged_at: int | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """What was told in earlier sittings is known."""
        told = [line["loss"] for line in state.log_history if "loss" in line]
        self._first_loss = told[0] if told else math.nan
        self._saved_at = time.monotonic()
        self.clock.begin(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Decide what is to be done after this step."""
        step, hand = state.global_step, self._hand
        last = step >= self._plan.steps
        due = step % self._plan.evaluate_every == 0
        over = last or hand.stopped or hand.left
        late = time.monotonic() - self._saved_at > CHECKPOINT_S
        control.should_log = over or due or step % self._report_every == 0 or step == 1
        control.should_evaluate = due or last or hand.stopped
        control.should_save = hand.left or ((due or late) and not (last or hand.stopped))
        control.should_training_stop = over

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        """Tell the loss; where it has run away, end."""
        if "loss" not in logs:
            return
        step, plan = state.global_step, self._plan
        seconds, left = self.clock.read(step, plan.steps)
        tokens = plan.batch_size * plan.block_size
        loss, rate = logs["loss"], logs.get("learning_rate", 0.0)
        self._tell(Step(step, plan.steps, state.epoch or 0.0, loss, rate, tokens / seconds, left))
        if math.isnan(self._first_loss):
            self._first_loss = loss
        self._recent = [*self._recent, loss][-_RECENT:]
        if self._runs_away():
            self.diverged_at = step
            control.should_evaluate = control.should_save = False
            control.should_training_stop = True

    def _runs_away(self) -> bool:
        if not math.isfinite(self._recent[-1]):
            return True
        from_here = max(self._first_loss, self.base_loss)  # a loss that began as no number was caught above
        mean = sum(self._recent) / len(self._recent)
        return len(self._recent) == _RECENT and mean > from_here + max(1.0, 0.5 * from_here)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        """Keep what is the best; the loss before the first step is the base's."""
        loss = metrics["eval_loss"]
        if state.global_step == 0:
            self.base_loss = loss
            return
        best = self._keep(state.global_step, loss)
        self._tell(Evaluated(state.global_step, loss, perplexity(loss), best))
        self._sample(state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A run that is killed goes on from here."""
        self._saved_at = time.monotonic()
        self._tell(Saved(state.global_step, args.output_dir))


class Clock:
    """How long a step takes, without what is done between two."""

    def __init__(self) -> None:
        self._reported, self._step, self._out = time.monotonic(), 0, 0.0
        self._begun, self._first = time.monotonic(), 0

    def begin(self, step: int) -> None:
        """Training begins after so many steps."""
        self._reported = self._begun = time.monotonic()
        self._step = self._first = step
        self._out = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """While inside, no time passes for the speed."""
        since = time.monotonic()
        try:
            yield
        finally:
            self._out += time.monotonic() - since

    def read(self, step: int, steps: int) -> tuple[float, float]:
        """Seconds a step since the last reading, and until the end, all that is done between steps counted in."""
        now = time.monotonic()
        a_step = max(now - self._reported - self._out, 1e-9) / max(step - self._step, 1)
        left = (now - self._begun) / max(step - self._first, 1) * (steps - step)
        self._reported, self._step, self._out = now, step, 0.0
        return a_step, left


class CarefulTrainer(Trainer):  # type: ignore[misc]
    """A Trainer whose checkpoints are whole or not there, and hold no pickle."""

    def __init__(self, place: Workplace, clock: Clock, **options: Any) -> None:
        super().__init__(**options)
        self._place, self._clock = place, clock
        self.remove_callback(PrinterCallback)  # it would print to the terminal

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._place.staging)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with self._clock.held(), self._place.writing_checkpoint(self.state.global_step) as folder:
            super()._save_checkpoint(model, trial)
            (folder / "training_args.bin").unlink(missing_ok=True)

    def evaluate(self, *args: Any, **options: Any) -> dict[str, float]:
        """As the library's; the time it takes is not the steps'."""
        with self._clock.held():
            return super().evaluate(*args, **options)


def trainer_for(
    model: Any, training: torch.Tensor, held_out: torch.Tensor, plan: Plan, place: Workplace, telling: Telling
) -> CarefulTrainer:
    """A Trainer for these blocks; `model` is on its device."""
    arguments = TrainingArguments(
        output_dir=str(place.folder),
        max_steps=plan.steps,
        per_device_train_batch_size=plan.at_once,
        per_device_eval_batch_size=plan.at_once,
        gradient_accumulation_steps=plan.batch_size // plan.at_once,
        learning_rate=plan.learning_rate,
        warmup_steps=plan.warmup_steps,
        max_grad_norm=CLIP,
        seed=plan.seed,
        data_seed=plan.seed,
        bf16=plan.precision == "bfloat16",
        use_cpu=model.device.type == "cpu",
        eval_strategy="no",  # `Telling` decides
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
        dataloader_pin_memory=model.device.type == "cuda",
        dataloader_num_workers=0,
        label_names=["labels"],
        prediction_loss_only=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one is enough, and several would average otherwise
    return CarefulTrainer(
        place,
        telling.clock,
        model=model,
        args=arguments,
        train_dataset=Rows(training),
        eval_dataset=Rows(held_out),
        callbacks=[telling],
    )


def perplexity(loss: float) -> float:
    """Of a loss in nats a token."""
    with suppress(OverflowError):
        return math.exp(loss)
    return math.inf
