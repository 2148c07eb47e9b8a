"""Where the releases of transformers that the program runs on are not alike; it is said here alone."""

from __future__ import annotations

from inspect import signature

from transformers import GenerationMixin, __version__

from engine.errors import EngineError

CACHE = "cache" if "cache" in signature(GenerationMixin.prepare_inputs_for_generation).parameters else "past_key_values"
"""What a KV cache is called where it is handed to a model, and in what the model gives."""

DRAWN_BEAMS_ARE_RANKED = tuple(map(int, __version__.split(".")[:2])) >= (5, 24)
"""Whether drawn candidates of a beam search are ranked by their sums, as those of 4.30 were, or stay as drawn.

Only the first `num_beams` of them may end, so that it tells at an end of text and at the last step.
"""

NO_CACHE_IN_GENERATE = frozenset({"xlm"})
"""Types of models for which generate() is right without a cache alone.

From 5.24 on it leaves XLM's mask in one, at the place of the token after it, which is then never seen.
"""


def passed_over(what: str) -> EngineError:
    """The error of a release that does not take up what it is handed, so that it would go on with a wrong text."""
    return EngineError(f"transformers {__version__} does not take up {what} that it is handed: use an older release")
