"""OpenAI GPT (Radford et al. 2018): lower-cased words in pieces, learned positions, the prompt as it stands.

The library has no cache for it; `engine.runner.openai_gpt` gives it one.
"""

from __future__ import annotations

from engine.families.causal_lm import Family


class OpenAIGPT(Family):
    """The first GPT."""

    name = "openai-gpt"
    model_types = ("openai-gpt",)
    vocabulary = ("vocab.json", "merges.txt")
    marks = False
