"""Which draft the settings ask for, in the library's order."""

from __future__ import annotations

from engine.models.loaded import LoadedModel
from engine.settings import Settings
from engine.strategies.assisted.by_model import ByModel
from engine.strategies.assisted.draft import Draft
from engine.strategies.assisted.early_exit import EarlyExit
from engine.strategies.assisted.lookup import Lookup
from engine.strategies.assisted.translated import Translated


def draft_for(model: LoadedModel, settings: Settings) -> Draft:
    """The draft of a run. Raises `EngineError` where the model cannot have it, or no such assistant is there."""
    if settings.assistant_early_exit is not None:
        exiting = EarlyExit(model, settings.assistant_early_exit)
        exiting.begin(settings)
        return exiting
    if settings.prompt_lookup_num_tokens is None and settings.assistant_model:
        drafting = _assistant(model, settings.assistant_model)
        drafting.model.family.set_up(drafting.model, settings)
        drafting.begin(settings)
        return drafting
    return Lookup()


def lend(model: LoadedModel, name: str, assistant: LoadedModel) -> None:
    """Let this model draft under the name, so that none is loaded by it; it drafts with a runner of its own."""
    model.drafting[name] = _made(model, assistant.apart(), name)


def _assistant(model: LoadedModel, name: str) -> ByModel:
    """The assistant of this name, loaded once and kept beside its model."""
    if name not in model.drafting:
        model.drafting[name] = _made(model, _loaded(model, name), name)
    drafting: ByModel = model.drafting[name]
    return drafting


def _loaded(model: LoadedModel, name: str) -> LoadedModel:
    if name in (model.name, model.source):
        return model.apart()
    from engine.models.load import load

    return load(name, device=str(model.device), dtype=model.dtype)


def _made(model: LoadedModel, assistant: LoadedModel, name: str) -> ByModel:
    if assistant.tokenizer.get_vocab() == model.tokenizer.get_vocab():
        shares = assistant.model is model.model
        return ByModel(assistant, assistant.runner, name, model.vocabulary_size, shares=shares)
    return Translated(assistant, model, f"{name}, by another tokenizer")
