"""The training loop: a generator of events, so that any front end can show it or stop it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from engine.models.embedded import card
from engine.models.embedded.batches import (
    Stream,
    fingerprint,
    held_out_windows,
    make_streams,
    mix_shares,
    training_batch,
)
from engine.models.embedded.checkpoint import (
    Resume,
    export,
    forget_resume,
    read_resume,
    restore,
    save_resume,
)
from engine.models.embedded.corpus import TextFile, read_folder
from engine.models.embedded.history import History, Training, steps
from engine.models.embedded.model import build_model, build_optimisers, evaluate, next_token_loss, predict, set_rate
from engine.models.embedded.recipe import Recipe, TrainingError
from engine.models.embedded.repetition import looped_windows, repetition_loss
from engine.models.embedded.sample import OPENINGS, continuations
from engine.models.embedded.start import Start, read_start
from engine.models.embedded.tokenizer import tokenizer_for
from engine.models.placement import pick_device


@dataclass(frozen=True, slots=True)
class Job:
    """One run: where the text is, where the model goes, and how long to train."""

    text: Path
    out: Path
    steps: int | None = None
    """Train so many steps: exactly reproducible."""
    minutes: float | None = None
    """Or train so long by the clock, over all sittings."""
    early_minutes: float | None = None
    """Export a first model after so long, to be replaced by the final one."""
    start: Path | None = None
    """The folder of a finished model, whose training is to go on; its tokenizer is kept."""
    mix: tuple[tuple[str, float], ...] = ()
    """File names and their shares of the training windows; empty for shares by size."""
    compiled: bool = False
    """Compile the network: a fifth faster, after half a minute, and other roundings."""
    report_every: int = 20
    evaluate_every: int = 250
    evaluation_windows: int = 8
    """Held-out windows of each file in an interim evaluation; an exported model gets eight times as many."""
    save_every: int = 100
    device: str = "cpu"
    """As `engine.models.placement.pick_device` takes it."""

    def progress(self, step: int, elapsed: float) -> float:
        """The share of the run done, from 0 to 1."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.minutes is not None
        return min(1.0, elapsed / (60 * self.minutes))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The text is read and encoded; training starts."""

    tokens: Mapping[str, int]
    parameters: int
    step: int
    """Steps done in earlier sittings."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Some steps were made. Losses in nats a token."""

    step: int
    loss: float
    """Mean over the steps since the last report."""
    held_out: Mapping[str, float]
    """By file, as last measured; empty before the first time."""
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Exported:
    """A model was written to `folder`; `final` if the run is over."""

    folder: Path
    final: bool
    held_out: Mapping[str, float]
    step: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the model writes after an opening by now."""

    step: int
    opening: str
    text: str


Event = Prepared | Progress | Sampled | Exported


@dataclass(slots=True)
class _Run:
    """All that a run holds while it trains."""

    job: Job
    recipe: Recipe
    files: list[TextFile]
    streams: list[Stream]
    tokenizer: Tokenizer
    device: torch.device
    model: GPT2LMHeadModel
    optimisers: list[torch.optim.Optimizer]
    text: str
    start: Start | None
    step: int
    earlier: float
    """Seconds trained in earlier sittings."""
    started: float = 0.0

    @property
    def elapsed(self) -> float:
        return self.earlier + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        return self.job.progress(self.step, self.elapsed)

    def learn(self, network: Any) -> torch.Tensor:
        """Make one step and return its loss, still on the device: asking for the figure would wait for it."""
        set_rate(self.optimisers, self.recipe.rate(self.step, self.progress))
        loss, total = self.losses(network)
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        return loss.detach()

    def losses(self, network: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Of this step's windows: that of the next token, and that with the loss of repetition added."""
        recipe, turn = self.recipe, steps(self.history) + self.step
        windows = training_batch(self.streams, recipe, turn).to(self.device)
        if not recipe.loop_windows:
            loss = next_token_loss(predict(network, windows, recipe.bfloat16), windows)
            return loss, loss
        ids, back = (each.to(self.device) for each in looped_windows(self.streams, recipe, turn))
        logits = predict(network, torch.cat((windows, ids)), recipe.bfloat16)
        loss = next_token_loss(logits[: recipe.batch], windows)
        return loss, loss + repetition_loss(logits[recipe.batch :], ids, back, recipe.loop_decay)

    @property
    def history(self) -> History:
        """The runs before this one."""
        return self.start.history if self.start else ()

    @property
    def began_with(self) -> str:
        """The sum of the weights at the start; empty if they were drawn from the seed."""
        return self.start.weights if self.start else ""

    def measure(self, windows: int) -> dict[str, float]:
        """Held-out losses over at most so many windows of each file."""
        return {
            s.name: evaluate(self.model, held_out_windows(s, self.recipe, windows).to(self.device), self.recipe)
            for s in self.streams
        }

    def sample(self) -> Sampled:
        """Carry on the next opening, so that one can read what is being learned."""
        turn = self.step // self.job.evaluate_every - 1
        opening = OPENINGS[turn % len(OPENINGS)]
        (text,) = continuations(self.model, self.tokenizer, opening, seed=self.recipe.seed, length=60)
        return Sampled(self.step, opening, text)

    def save(self) -> None:
        at = Resume(self.step, self.elapsed, self.text, self.began_with)
        save_resume(self.job.out, at, self.recipe, self.tokenizer, self.model, self.optimisers)

    def export(self, final: bool) -> Exported:
        seconds = self.elapsed
        held_out = self.measure(8 * self.job.evaluation_windows)
        this = Training(
            start=self.began_with,
            recipe=self.recipe,
            texts={file.name: file.sha256 for file in self.files},
            shares={s.name: s.share for s in self.streams},
            mix=dict(self.job.mix),
            steps_asked=self.job.steps,
            minutes_asked=self.job.minutes,
            compiled=self.job.compiled,
            place=_place(self.device),
            steps=self.step,
            seconds=seconds,
            held_out={name: loss for name, loss in held_out.items() if not math.isnan(loss)},
            final=final,
        )
        history = (*self.history, this)
        text = card.write(history, self.model.num_parameters(), self.tokenizer.get_vocab_size())
        export(self.job.out, self.model, self.tokenizer, history, text)
        return Exported(self.job.out, final, held_out, self.step)


def train(job: Job, recipe: Recipe) -> Iterator[Event]:
    """Train a model, or go on where an earlier run with the same folder stopped.

    Closing the generator stops the run; at most `job.save_every` steps are lost.
    Raises TrainingError, with one line for the user, if the run cannot start or go on.
    """
    run = _prepare(job, recipe)
    yield Prepared({s.name: len(s.training) for s in run.streams}, run.model.num_parameters(), run.step)
    network: Any = torch.compile(run.model) if job.compiled else run.model
    run.model.train()
    run.started = time.monotonic()
    early = 60 * job.early_minutes if job.early_minutes is not None else None
    if early is not None and run.elapsed >= early:
        early = None  # written in an earlier sitting
    held_out: dict[str, float] = {}
    losses: list[torch.Tensor] = []
    reported = time.monotonic()
    while run.progress < 1:
        losses.append(run.learn(network))
        if run.step % job.report_every == 0:
            loss = sum(each.item() for each in losses) / len(losses)
            if not math.isfinite(loss):
                raise TrainingError(f"by step {run.step} the loss is no number any more: try lower rates")
            now = time.monotonic()
            speed = len(losses) * recipe.tokens_per_step / (now - reported)
            left = run.elapsed * (1 / run.progress - 1)
            yield Progress(run.step, loss, held_out, speed, left)
            reported, losses = now, []
        if run.step % job.evaluate_every == 0:
            held_out = run.measure(job.evaluation_windows)
            yield run.sample()
        if run.step % job.save_every == 0:
            run.save()
        if early is not None and run.elapsed >= early:
            early = None
            yield run.export(final=False)
    exported = run.export(final=True)
    forget_resume(job.out)
    yield exported


def _prepare(job: Job, recipe: Recipe) -> _Run:
    if (job.steps is None) == (job.minutes is None):
        raise TrainingError("give either a number of steps or of minutes")
    device = pick_device(job.device)
    files = read_folder(job.text)
    shares = mix_shares(files, dict(job.mix))
    files = [f for f in files if f.name in shares]
    text = fingerprint(files, shares)
    start = read_start(job.start, recipe, files) if job.start else None
    at = Resume(0, 0.0, text, start.weights if start else "")
    state = read_resume(job.out, recipe, text, at.start)
    if start:
        model, tokenizer = start.model, start.tokenizer
    else:
        tokenizer = Tokenizer.from_str(state["tokenizer"]) if state else tokenizer_for(files, recipe)
        model = build_model(recipe, tokenizer.get_vocab_size())
    streams = make_streams(tokenizer, files, shares, recipe)
    model.to(device)
    optimisers = build_optimisers(model, recipe)
    if state:
        at = restore(state, model, optimisers)
    if not state:
        save_resume(job.out, at, recipe, tokenizer, model, optimisers)  # finds a bad folder at once
    return _Run(
        job, recipe, files, streams, tokenizer, device, model, optimisers, text, start, step=at.step, earlier=at.elapsed
    )


def _place(device: torch.device) -> str:
    if device.type == "cuda":
        return f"one {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    return f"{threads} processor thread{'s' if threads > 1 else ''}" if device.type == "cpu" else device.type.upper()
