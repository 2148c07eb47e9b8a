"""How precisely a model's weights are held, down to 8 and 4 bits, and that they truly are.

Few bits are bitsandbytes' work: LLM.int8() (Dettmers et al. 2022) and NF4 (Dettmers et al. 2023). It replaces the
linear layers, GPT-2's Conv1D among them; embeddings and the output layer stay as they are. What it leaves alone in a
model of another make it does not tell, so what came of it is counted here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import BitsAndBytesConfig
from transformers.pytorch_utils import Conv1D

from engine.errors import LoadError, one_line
from engine.extras import need
from engine.models.dtypes import DTYPES, QUANTIZED
from engine.models.placement import is_out_of_memory, pick_dtype
from engine.models.spread import Place, device_map

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SHARE = 0.5  # of the matrices' elements: with less of it in few bits the name would promise what is not there


def check(wanted: str) -> None:
    """Raises `EngineError` for a precision that cannot be had, before anything is looked for."""
    if wanted not in DTYPES:
        raise LoadError(f"dtype {wanted}: must be one of {', '.join(DTYPES)}")
    if wanted in QUANTIZED:
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # else it writes to the terminal with each pass
        need("bitsandbytes", f"dtype {wanted}")


@dataclass(frozen=True)
class Plan:
    """In which type the weights are, or where they are in few bits the rest of them; what `from_pretrained` takes for
    that, and how many bytes they will be.
    """

    wanted: str
    dtype: torch.dtype
    options: dict[str, Any]
    bytes: int = 0

    def settle(self, model: PreTrainedModel) -> PreTrainedModel:
        """The loaded model as it was planned, in evaluation mode. Raises `LoadError` where it is not so."""
        model.eval()
        if self.wanted in QUANTIZED:
            _verify(model, self.wanted)
        elif model.dtype != self.dtype:
            model.to(self.dtype)  # the library leaves some of XLNet's weights as they were in any precision
        return model


def planned(wanted: str, place: Place, bare: PreTrainedModel) -> Plan:
    """The plan for a model, given without its weights. Raises `LoadError` where there is no room for it."""
    size = bare.num_parameters()
    dtype = pick_dtype("auto" if wanted in QUANTIZED else wanted, place.device, size)
    few = sum(module.weight.numel() for module in _layers(bare)) if wanted in QUANTIZED else 0
    needed = few * QUANTIZED.get(wanted, 0) // 8 + (size - few) * dtype.itemsize
    options = device_map(place, needed)
    if wanted in QUANTIZED:
        options = {"device_map": {"": place.device}} | options
        options["quantization_config"] = (
            BitsAndBytesConfig(load_in_8bit=True)
            if wanted == "8bit"
            else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
        )
    return Plan(wanted, dtype, {"dtype": dtype, **options}, needed)


def name_of(model: PreTrainedModel) -> str:
    """`8bit`, `4bit`, or the weights' type, as in `float32`."""
    if getattr(model, "is_loaded_in_8bit", False):
        return "8bit"
    return "4bit" if getattr(model, "is_loaded_in_4bit", False) else str(model.dtype).removeprefix("torch.")


def elements(weight: torch.Tensor) -> int:
    """How many numbers a weight holds: of those in 4 bits two are in a byte."""
    return weight.numel() * (2 if _in_4bit(weight) else 1)


def stored_bytes(weight: torch.Tensor) -> int:
    """Bytes that a weight takes, in 4 bits with the scales of its blocks."""
    scales = weight.quant_state.absmax if _in_4bit(weight) else None  # type: ignore[attr-defined]
    return weight.nbytes + (scales.nbytes if scales is not None else 0)


def _in_4bit(weight: torch.Tensor) -> bool:
    return weight.dtype == torch.uint8 and getattr(weight, "quant_state", None) is not None


def _layers(model: PreTrainedModel) -> list[Any]:
    """The layers that can be in few bits."""
    output = model.get_output_embeddings()
    return [
        module for module in model.modules() if isinstance(module, torch.nn.Linear | Conv1D) and module is not output
    ]


def _verify(model: PreTrainedModel, wanted: str) -> None:
    few, left = counted(model)
    if not few:
        raise LoadError(f"dtype {wanted}: nothing of this model would be quantized; take float16 or bfloat16")
    if few < _SHARE * (few + left):
        share = 100 * few // (few + left)
        raise LoadError(f"dtype {wanted}: only {share}% of this model's matrices would be quantized; take bfloat16")
    try:
        with torch.no_grad():
            model(torch.zeros((1, 2), dtype=torch.long, device=model.device))
    except (RuntimeError, AssertionError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        reason = one_line(error, 120)
        raise LoadError(
            f"dtype {wanted}: bitsandbytes cannot compute with layers of such sizes here: {reason}"
        ) from error


def counted(model: PreTrainedModel) -> tuple[int, int]:
    """How many elements of the matrices are in few bits, and how many are not; embeddings and output do not count."""
    tables = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    apart = {id(module.weight) for module in (*tables, model.get_output_embeddings()) if hasattr(module, "weight")}
    few = left = 0
    for weight in model.parameters():
        if weight.dtype in (torch.int8, torch.uint8):
            few += elements(weight)
        elif weight.dim() > 1 and id(weight) not in apart:
            left += weight.numel()
    return few, left
