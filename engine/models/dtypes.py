"""The precisions that weights can be held in, known before torch is."""

from __future__ import annotations

QUANTIZED = {"8bit": 8, "4bit": 4}
"""Those in few bits, with how many (`engine.models.precision`)."""
DTYPES = ("auto", "float32", "bfloat16", "float16", *QUANTIZED)
"""What `--dtype` takes."""
