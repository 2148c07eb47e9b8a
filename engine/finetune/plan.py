"""How a run goes about it: what the job leaves open is chosen by the model, the text's length and the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import ceil
from typing import TYPE_CHECKING, Any

import torch

from engine.errors import EngineError
from engine.finetune.defaults import BATCH, EPOCHS, RANK, SEED, learning_rate
from engine.finetune.room import blocks_at_once
from engine.finetune.text import Blocks

if TYPE_CHECKING:
    from engine.finetune.job import Job
    from engine.models.loaded import LoadedModel

CLIP = 1.0
"""The norm that gradients are clipped to (Pascanu et al. 2013)."""
LORA_ALPHA_PER_RANK = 2
LORA_DROPOUT = 0.05
_WORK_ON_A_CPU = 2e14  # floating-point operations: an hour or so
_EVALUATIONS = 20
_EVALUATING = 0.25  # of the time for training, at most


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides what a run computes, beside the model and the text."""

    lora: bool
    rank: int
    learning_rate: float
    epochs: float
    steps: int
    warmup_steps: int
    block_size: int
    batch_size: int
    at_once: int
    evaluate_every: int
    seed: int
    precision: str
    start: str
    prompts: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """The plan as JSON takes it."""
        return asdict(self)

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Plan:
        """The plan that `plain()` gave. Raises `TypeError`, `KeyError` for what is none."""
        known = {field.name: plain[field.name] for field in fields(Plan)}
        return Plan(**(known | {"prompts": tuple(known["prompts"])}))


def plan_for(job: Job, model: LoadedModel, blocks: Blocks, trainable: int, prompts: tuple[str, ...]) -> Plan:
    """The plan for a job. `trainable` counts the weights that learn. Raises `EngineError` where there is no room."""
    count = len(blocks.training)
    batch = min(job.batch_size or BATCH, count if job.batch_size else max(count // 8, 1))
    in_epoch = ceil(count / batch)
    steps = job.steps or round((job.epochs or EPOCHS) * in_epoch) or 1
    if job.steps is None and job.epochs is None and model.device.type == "cpu":
        work = 6 * model.parameters * batch * blocks.size
        steps = min(steps, max(int(_WORK_ON_A_CPU / work), 20))
    fair = ceil(len(blocks.held_out) / (3 * _EVALUATING * batch))  # reading a block costs a third of learning from it
    return Plan(
        lora=job.lora,
        rank=(job.rank or RANK) if job.lora else 0,
        learning_rate=job.learning_rate or learning_rate(model.parameters, job.lora),
        epochs=round(steps / in_epoch, 3),
        steps=steps,
        warmup_steps=min(steps // 20, 100),
        block_size=blocks.size,
        batch_size=batch,
        at_once=blocks_at_once(model, blocks.size, batch, trainable, job.at_once),
        evaluate_every=max(min(max(steps // _EVALUATIONS, fair), steps // 4), 1),
        seed=SEED if job.seed is None else job.seed,
        precision=precision(job.dtype, model.device),
        start=job.start,
        prompts=prompts,
    )


def precision(dtype: str, device: torch.device) -> str:
    """`float32`, or `bfloat16` for the passes alone. Raises `EngineError` for a type that nothing can be trained in."""
    if dtype == "auto":
        able = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if able else "float32"
    if dtype not in ("float32", "bfloat16"):
        raise EngineError(f"dtype {dtype:.20}: too coarse for training; take auto, float32 or bfloat16")
    return dtype
