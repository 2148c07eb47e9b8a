"""Which runner a model gets: tried out, not looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runner.base import Runner
from engine.runner.cached import CachedRunner
from engine.runner.recompute import RecomputeRunner

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def runner_for(model: PreTrainedModel) -> Runner:
    """A cached runner where one id put through the model leaves its keys and values in a cache, else a recomputing one.

    Some models (OpenAI GPT) take a cache and leave it empty, so only a try tells.
    """
    if not model._supports_default_dynamic_cache():
        return RecomputeRunner(model)
    runner = CachedRunner(model)
    try:
        runner.prefill([0])
        filled = runner._cache.get_seq_length() == 1
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        filled = False
    if not filled:
        return RecomputeRunner(model)
    runner.reset()
    return runner
