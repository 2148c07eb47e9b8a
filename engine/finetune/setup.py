"""Everything before the first step: the model read and checked, the text cut, what the job leaves open chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import transformers

from engine.errors import EngineError
from engine.finetune import room, trainable
from engine.finetune.defaults import RANK, SEED
from engine.finetune.plan import Plan, plan_for, precision
from engine.finetune.text import FEWEST, Blocks, Text, block_size, cut, encode, head, openings
from engine.models.load import load
from engine.models.placement import pick_device
from engine.text_files import shown_path

if TYPE_CHECKING:
    from engine.finetune.events import Event
    from engine.finetune.job import Job
    from engine.finetune.workplace import Workplace
    from engine.models.loaded import LoadedModel

OPENINGS = 3


@dataclass(slots=True)
class Ready:
    """A run that can begin, or go on.

    `learner` is what is trained: the model itself, or peft's with a LoRA in it. `parameters` are the base's,
    `trainable` those that learn.
    """

    job: Job
    text: Text
    place: Workplace
    model: LoadedModel
    learner: Any
    blocks: Blocks
    plan: Plan
    parameters: int
    trainable: int
    use_cache: bool | None
    """As the model's config has it, which the Trainer changes."""


def prepared(job: Job, source: Text, place: Workplace, tell: Callable[[Event], None]) -> Ready:
    """Read, check and choose. Raises `EngineError` where it cannot be done."""
    begun = place.description()
    plan = Plan.from_plain(begun["plan"]) if begun else None
    device = pick_device(job.device)
    computed_in = precision(job.dtype, device)
    room.check_memory(job, device)
    loaded_in = computed_in if job.lora else "float32"  # what learns is in float32
    model = load(job.model, family=job.family, device=job.device, dtype=loaded_in, progress=tell)
    transformers.logging.set_verbosity_error()
    if begun and begun["base"]["sums"] != model.sums:
        raise EngineError(f"{shown_path(place.folder)}: its base has changed since; begin anew with another --out")
    trainable.check(model)
    blocks, marks = _blocks(job, plan, source, model)
    parameters = model.parameters
    use_cache = getattr(model.model.config, "use_cache", None)
    learner = model.model
    if job.lora:
        seed = plan.seed if plan else SEED if job.seed is None else job.seed
        learner = trainable.with_lora(model, plan.rank if plan else job.rank or RANK, seed)
    learning = trainable.learning(learner)
    if plan is None:
        prompts = [*job.prompts, *openings(model, blocks, marks, OPENINGS)]
        plan = plan_for(job, model, blocks, learning, tuple(prompts[: max(OPENINGS, len(job.prompts))]))
        room.check_disk(place.folder, learning if job.lora else parameters, learning)
    elif job.at_once:
        at_once = room.blocks_at_once(model, plan.block_size, plan.batch_size, learning, job.at_once)
        plan = replace(plan, at_once=at_once)
    return Ready(job, source, place, model, learner, blocks, plan, parameters, learning, use_cache)


def _blocks(job: Job, plan: Plan | None, source: Text, model: LoadedModel) -> tuple[Blocks, int]:
    """The text in blocks, and how many ids stand before each."""
    name = shown_path(source.path)
    marks = head(model, plan.start if plan else job.start)
    ids = encode(model, source.text)
    if len(ids) < FEWEST:
        raise EngineError(f"{name}: {len(ids)} tokens are too few to learn from; {FEWEST} are the fewest")
    size = plan.block_size if plan else job.block_size or block_size(len(ids), model.positions, len(marks))
    if model.positions and size > model.positions:
        raise EngineError(f"block_size {size}: {model.name} takes {model.positions} tokens at most")
    return cut(ids, marks, size, name), len(marks)
