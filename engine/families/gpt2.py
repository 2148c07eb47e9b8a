"""GPT-2 (Radford et al. 2019): byte-level BPE, learned positions, the prompt as it stands."""

from __future__ import annotations

from engine.families.causal_lm import Family


class GPT2(Family):
    """GPT-2 and what is built like it, the embedded model among them."""

    name = "gpt2"
    model_types = ("gpt2",)
    vocabulary = ("vocab.json", "merges.txt")
