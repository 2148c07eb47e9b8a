"""What a run remembers of its text, as the settings ask for it: its runner, and what there is to say of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.errors import SettingError
from engine.events import Note
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.models.loaded import LoadedModel
    from engine.runner import Runner
    from engine.runner.caches import CachePlan

# The library's older names for what it makes of a model's own layers now.
_STATIC = {name: "static" for name in ("hybrid", "hybrid_chunked", "sliding_window")}
_OFFLOADED = {name: "offloaded_static" for name in ("offloaded_hybrid", "offloaded_hybrid_chunked")}
_KINDS = _STATIC | _OFFLOADED
_AT_HOME = {"offloaded": "dynamic", "offloaded_static": "static"}


def runner(model: LoadedModel, settings: Settings, *, second: bool = False) -> Runner:
    """A run's runner: the model's own, which outlives the run, or one that remembers nothing."""
    from engine.runner import CachedRunner, recomputing_runner

    own = None if settings.use_cache else recomputing_runner(model.model)
    if own is None:
        own = model.second_runner if second else model.runner
        if isinstance(own, CachedRunner):
            own.use(_plan(model, settings)[0])
    own.adapt(model.mix(settings.adapters))
    return own


def notes(model: LoadedModel, settings: Settings) -> tuple[Note, ...]:
    """Says what of the cache's settings could not be had. Raises `SettingError` for options that no cache takes."""
    said = _plan(model, settings)[1]
    return (Note("info", "cache", said),) if said else ()


def _plan(model: LoadedModel, settings: Settings) -> tuple[CachePlan, str]:
    """How to remember, and what to say where that is not what was asked for."""
    from engine.runner import CachedRunner, recomputing_runner
    from engine.runner.caches import CachePlan

    moved = _moved(settings)
    if not settings.use_cache and recomputing_runner(model.model) is None:
        return CachePlan(), f"No effect on {model.family.name}: use_cache; its memory is part of how it reads."
    if not moved:
        return CachePlan(), ""
    if not settings.use_cache or not isinstance(model.runner, CachedRunner):
        why = "use_cache is off" if not settings.use_cache else "this model keeps no keys and values in a cache"
        return CachePlan(), f"No effect: {', '.join(moved)}; {why}."
    asked = settings.cache_implementation
    kind, said = _KINDS.get(asked, asked), ""
    if kind in _AT_HOME and model.device.type != "cuda":
        kind, said = _AT_HOME[kind], f"cache_implementation {asked}: there is no GPU to be offloaded from"
    if kind == "paged":
        kind, said = "dynamic", "cache_implementation paged: it serves many prompts at once"
    options = (settings.cache_config or ()) if kind == "quantized" else ()
    capacity = settings.max_cache_len if kind in ("static", "offloaded_static") else None
    if capacity is not None and model.positions is not None:
        capacity = min(capacity, model.positions)
    plan = CachePlan(kind, options, capacity, settings.prefill_chunk_size)
    reason = _hindrance(model, plan)
    instead = reason
    if reason and kind == "quantized" and not options:  # the default needs a package of its own, and one needs none
        fp8 = replace(plan, options=(("backend", "fp8"),))
        with suppress(SettingError):  # an older release of the library does not know it
            instead = _hindrance(model, fp8)
        if not instead:
            plan, reason, said = fp8, "", f"cache_implementation quantized: {reason}; fp8 in its place"
    if reason:
        plan, said = CachePlan(chunk=plan.chunk), f"cache_implementation {asked}: {reason}"
    idle = [name for name in moved if name == "cache_config" and plan.kind != "quantized"]
    idle += [name for name in moved if name == "max_cache_len" and not plan.is_static]
    told = [f"{said}; the cache is {plan.kind}."] if said else []
    told += [f"No effect with a {plan.kind} cache: {', '.join(idle)}."] if idle and not reason else []
    return plan, " ".join(told)


def _moved(settings: Settings) -> list[str]:
    """The settings of a cache that are not as they are by themselves."""
    names = ("cache_implementation", "cache_config", "max_cache_len", "prefill_chunk_size")
    return [name for name in names if getattr(settings, name) not in (None, "dynamic")]


def _hindrance(model: LoadedModel, plan: CachePlan) -> str:
    """Why this model cannot have that cache; empty where it can. What was tried once is remembered.

    Raises `SettingError` for options that the cache does not take.
    """
    from engine.runner import CachedRunner

    if plan.is_plain:
        return ""
    assert isinstance(model.runner, CachedRunner)
    if plan.kind not in model.runner.KINDS:
        return f"a model of type {model.model.config.model_type} cannot use one"
    key = (plan.kind, plan.options)
    if key not in model.caches:
        model.caches[key] = _tried(model, plan)
    return model.caches[key]


def _tried(model: LoadedModel, plan: CachePlan) -> str:
    kind: Any = type(model.runner)
    try:
        trial = kind(model.model, plan)
    except ImportError as error:
        return _said(error)
    except Exception as error:  # the library checks options by whatever they break
        if "layer" in str(error) or not plan.options:
            return _said(error)
        raise SettingError(f"cache_config: {_said(error)}") from None
    try:
        logits, _ = trial.prefill([0, 0])
        logits = trial.step(logits.argmax(dim=-1))
    except Exception as error:  # whatever a model raises that was not made for it
        return _said(error)
    return "" if bool(logits.isfinite().any()) else "it gives no numbers with this model"


def _said(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
