"""Which models can be trained here, and what of them learns."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from engine.errors import EngineError, one_line
from engine.extras import need
from engine.finetune.plan import LORA_ALPHA_PER_RANK, LORA_DROPOUT
from engine.models.placement import is_out_of_memory

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel

WHY_NOT = {
    "xlnet": "XLNet learns by guessing tokens in shuffled orders, which takes another training than this one",
    "xlm": "XLM's loss is of masked tokens, not of the next one",
    "transfo-xl": "Transformer-XL learns with a memory from block to block and a loss of its own",
}
"""Model type -> why it is not trained."""


def check(model: LoadedModel) -> None:
    """Raises `EngineError` where the model's loss by labels is not that of the next token.

    A try tells, whatever the architecture: no logits may depend on later tokens, and the loss must be the cross-entropy
    of each token after those before it.
    """
    kind = model.model.config.model_type
    if kind in WHY_NOT:
        raise EngineError(f"{model.name}: cannot be fine-tuned: {WHY_NOT[kind]}")
    if getattr(model.model, "is_quantized", False):
        raise EngineError(
            f"{model.name}: its weights are quantized, and cannot learn; take the model in full precision"
        )
    try:
        fits = _reads_forward(model)
    except Exception as error:  # a model is foreign code
        if is_out_of_memory(error):
            raise
        raise EngineError(f"{model.name}: cannot be fine-tuned: {one_line(error, 160)}") from error
    if not fits:
        raise EngineError(f"{model.name}: cannot be fine-tuned: its loss is not that of the next token ({kind:.40})")


@torch.no_grad()
def _reads_forward(model: LoadedModel) -> bool:
    ids = torch.arange(3, 15, device=model.device)[None] % model.vocabulary_size
    other = ids.clone()
    other[0, -1] = 0
    out = model.model(input_ids=ids, labels=ids)
    before = model.model(input_ids=other).logits
    logits = out.logits.float()
    loss = functional.cross_entropy(logits[0, :-1], ids[0, 1:])
    rounding = 1e-5 if model.model.dtype == torch.float32 else 1e-2
    looks_ahead = not torch.allclose(logits[0, :-1], before[0, :-1].float(), rtol=rounding, atol=rounding)
    return not looks_ahead and bool(torch.isclose(out.loss.float(), loss, rtol=1e-2, atol=1e-2))


def with_lora(model: LoadedModel, rank: int, seed: int) -> Any:
    """The model with a fresh LoRA in all its linear layers, which alone learns; peft's `PeftModel`.

    The layers are put into `model` itself, so that it runs with the adapter too. Raises `EngineError` without peft.
    """
    peft = need("peft", "fine-tuning a LoRA")
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=LORA_ALPHA_PER_RANK * rank,
        lora_dropout=LORA_DROPOUT,
        target_modules="all-linear",
    )
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():  # it says how it takes GPT-2's transposed layers, which is right
            warnings.simplefilter("ignore")
            return peft.get_peft_model(model.model, config)
    except (ValueError, TypeError) as error:
        raise EngineError(f"{model.name}: no LoRA fits it: {one_line(error, 160)}") from error


def learning(model: torch.nn.Module) -> int:
    """How many weights learn."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
