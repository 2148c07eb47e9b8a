"""The model's own first layers draft (Elhoushi et al. 2024): no second model, and no more memory for weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from engine.errors import EngineError
from engine.models.loaded import LoadedModel
from engine.runner import CachedRunner
from engine.runner.xlm import CausalXLMRunner
from engine.settings import Settings
from engine.strategies.assisted.by_model import ByModel
from engine.strategies.assisted.draft import Tokens


class EarlyExit(ByModel):
    """The model runs with a shorter list of layers for as long as a draft takes, and is whole again after it."""

    def __init__(self, model: LoadedModel, layers: int) -> None:
        self._stack = _stack(model)
        total = len(getattr(*self._stack))
        if layers >= total:
            raise EngineError(f"assistant_early_exit {layers}: this model has {total} layers, so at most {total - 1}")
        self._layers = layers
        runner = type(model.runner)(model.model)
        source = f"the first {layers} of {total} layers"
        super().__init__(model, runner, source, model.vocabulary_size, shares=True)

    def _drafted(self, text: Tokens, count: int, settings: Settings) -> Tokens:
        with self._shortened():
            return super()._drafted(text, count, settings)

    @contextmanager
    def _shortened(self) -> Iterator[None]:
        body, name = self._stack
        whole = getattr(body, name)
        setattr(body, name, whole[: self._layers])
        try:
            yield
        finally:
            setattr(body, name, whole)


def _stack(model: LoadedModel) -> tuple[Any, str]:
    """The module that runs the layers one after the other, and its name for the list of them."""
    body, count = model.model.base_model, model.model.config.get_text_config(decoder=True).num_hidden_layers
    plain = isinstance(model.runner, CachedRunner) and not isinstance(model.runner, CausalXLMRunner)
    for name in ("layers", "h") if plain else ():
        layers = getattr(body, name, None)
        if isinstance(layers, nn.ModuleList) and len(layers) == count:
            return body, name
    raise EngineError(
        f"assistant_early_exit: a model of type {model.model.config.model_type} cannot stop at an earlier layer; "
        "take prompt_lookup_num_tokens or an assistant_model"
    )
