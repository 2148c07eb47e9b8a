"""Which runner a model gets: its own where the library's forward needs help, else tried out and not looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.runner.base import Runner
from engine.runner.cached import CachedRunner
from engine.runner.memory import MemoryRunner
from engine.runner.openai_gpt import OpenAIGPTRunner
from engine.runner.recompute import RecomputeRunner
from engine.runner.xlm import CausalXLMRunner, XLMRunner
from engine.runner.xlnet import XLNetRunner

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def recomputing_runner(model: PreTrainedModel) -> Runner | None:
    """A runner that keeps nothing from one token to the next; None where what is kept is part of how a model reads."""
    match model.config.model_type:
        case "xlnet":
            return None
        case "transfo-xl":
            return None if model.has_recurrent_memory else RecomputeRunner(model)
        case "xlm":
            return XLMRunner(model)
    return RecomputeRunner(model)


def runner_for(model: PreTrainedModel) -> Runner:
    """A cached runner where one id put through the model leaves its keys and values in a cache, else a recomputing one.

    Some models take a cache and leave it empty, so only a try tells.
    """
    match model.config.model_type:
        case "openai-gpt":
            return OpenAIGPTRunner(model)
        case "xlm":
            return CausalXLMRunner(model) if model.config.causal else XLMRunner(model)
        case "transfo-xl":
            return MemoryRunner(model) if model.has_recurrent_memory else RecomputeRunner(model)
        case "xlnet":
            return XLNetRunner(model)
    if not model._supports_default_dynamic_cache():
        return RecomputeRunner(model)
    runner = CachedRunner(model)
    try:
        runner.prefill([0])
    except (TypeError, ValueError, AttributeError, NotImplementedError, EngineError):
        return RecomputeRunner(model)
    runner.reset()
    return runner
