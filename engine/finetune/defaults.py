"""What is chosen where a job leaves it open, as far as that is known before model and text are read. Loads no torch."""

from __future__ import annotations

EPOCHS = 3.0
BATCH = 8
BLOCK = 512
RANK = 8
SEED = 42
_GPT2 = 124_000_000


def learning_rate(parameters: int, lora: bool) -> float:
    """A rate that suits a model of so many parameters, to two digits.

    5e-5 suits GPT-2, on which the library's scripts have it; smaller models bear larger steps, and a LoRA does.
    """
    full = min(max(5e-5 * (_GPT2 / max(parameters, 1)) ** 0.5, 2e-5), 1e-3)
    return float(f"{max(4 * full, 1e-4) if lora else full:.1e}")
