"""The adapters that are attached to one model, and which of them are in force.

All that computes with the model shares its weights: a run, a look at another of its steps, a draft. So each of them
has a `Mix` of its own, and applies it before every pass; that costs a comparison where it is in force already.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import nn

from engine.errors import EngineError, LoadError, one_line, shown
from engine.extras import need
from engine.models.adapters.files import Files, find, read_config, read_weights
from engine.models.adapters.fitting import fitted
from engine.models.placement import is_out_of_memory
from engine.settings.adapters import parts


@dataclass(eq=False)
class Adapter:
    """One that is attached for as long as somebody holds it: `key` is what peft calls it."""

    key: str
    files: Files
    rank: int
    base: str
    """The model that it was made for, by its own word."""


Active = tuple[tuple[Adapter, float], ...]


@dataclass(frozen=True)
class Mix:
    """Adapters with a scale each, in their order; those whose scale is 0 are left out, and none is the bare model."""

    adapters: Adapters
    active: Active = ()
    idle: tuple[Adapter, ...] = field(default=(), compare=False)
    """Named with the scale 0."""

    def apply(self) -> None:
        """The model's weights are those of this mix from here on."""
        self.adapters.apply(self)

    @property
    def named(self) -> Iterator[tuple[Adapter, float]]:
        """All that were named."""
        yield from self.active
        yield from ((adapter, 0.0) for adapter in self.idle)


class Adapters:
    """Those of one model. Nothing is imported, and nothing done to the model, before one is named.

    What nobody's mix holds any more is taken off the model and its memory given back, but for the mix that was in
    force before: one can go back and forth between two without reading a file.
    """

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        """Where a name is found that is not to be looked for."""
        self._model: Any = None
        self._known: WeakValueDictionary[tuple[object, ...], Adapter] = WeakValueDictionary()
        self._keys: set[str] = set()
        self._folders: set[Path] = set()
        self._layers: list[Any] = []  # kept, since a draft may hide some of the model's for a while
        self._count = 0
        self._in_force = self._before = Mix(self)

    def mix(self, model: Any, text: str = "") -> Mix:
        """The mix that a text asks for, all of it attached. Raises `EngineError` where one cannot be had."""
        found: list[tuple[Adapter, float]] = []
        try:
            for name, scale in parts(text):
                found.append((self._adapter(model, name), scale))
                if len({id(adapter) for adapter, _ in found}) < len(found):
                    raise LoadError(f"adapter {shown(name)}: the same folder is named twice")
        except EngineError:
            found.clear()
            self._let_go()
            raise
        return Mix(
            self, tuple(pair for pair in found if pair[1]), tuple(adapter for adapter, scale in found if not scale)
        )

    def apply(self, mix: Mix) -> None:
        """Put a mix in force, where another one is."""
        if mix.active == self._in_force.active:
            return
        for layer in self._layers:
            layer.enable_adapters(bool(mix.active))
            if mix.active:
                layer.set_adapter([adapter.key for adapter, _ in mix.active], inference_mode=True)
            for adapter, scale in mix.active:
                layer.set_scale(adapter.key, scale)
        self._before, self._in_force = self._in_force, mix
        self._let_go()

    def had(self, name: str) -> bool:
        """Whether the adapter of this name has been attached before, from where the name leads now."""
        try:
            return self.find(name).folder in self._folders
        except LoadError:
            return False

    def find(self, name: str) -> Files:
        """The files of an adapter. Raises `LoadError`."""
        try:
            return find(name)
        except LoadError:
            if name not in self.places:
                raise
        return find(self.places[name])

    def identities(self, names: Iterable[str]) -> list[dict[str, str]]:
        """What a transcript says of those of these adapters that are there."""
        found = []
        for name in names:
            with suppress(LoadError, OSError):
                found.append({**self.find(name).identity(), "name": name})
        return found

    def own_weights(self, model: Any) -> list[nn.Parameter]:
        """The model's parameters without those of adapters."""
        added = {id(weight) for layer in self._layers for weight in _added(layer)}
        return [weight for weight in model.parameters() if id(weight) not in added]

    def _adapter(self, model: Any, name: str) -> Adapter:
        files = self.find(name)
        try:
            stamp = files.stamp()
        except OSError as error:
            raise LoadError(f"adapter {shown(name)}: its files cannot be read ({one_line(error, 80)})") from error
        adapter = self._known.get(stamp)
        if adapter is None:
            adapter = self._known[stamp] = self._attached(model, files)
        return adapter

    def _attached(self, model: Any, files: Files) -> Adapter:
        peft = need("peft", "an adapter")
        config = read_config(files)
        fit = fitted(files.name, config, read_weights(files), model)
        self._count += 1
        self._model, key = model, f"adapter_{self._count}"
        self._keys.add(key)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that GPT-2's matrices lie the other way round, which is seen to
                # The library's load_adapter does the same, but loses the magnitudes of a DoRA.
                peft.inject_adapter_in_model(_lora(config, fit.modules), model, key)
                told = peft.set_peft_model_state_dict(model, fit.tensors, adapter_name=key)
            missing = {name for name in told.missing_keys if f".{key}" in name}  # all others are named there too
            lost = sorted({*missing, *told.unexpected_keys})
            if lost:
                raise LoadError(f"its weights are not those that its config asks for: {shown(lost[0])}")
            silent = _silent(model, fit.modules)
            if silent:
                raise LoadError(f"it would do nothing: this model reads the weights of {shown(silent)} in its own way")
        except Exception as error:  # the libraries raise whatever a config makes them
            self._take_off(key)
            no_room = f"no room for it on {model.device}"
            why = str(error) if isinstance(error, EngineError) else one_line(error, 120)
            raise LoadError(f"adapter {shown(files.name)}: {no_room if is_out_of_memory(error) else why}") from error
        finally:
            self._restore()
        self._folders.add(files.folder)
        base = config.get("base_model_name_or_path")
        return Adapter(key, files, fit.rank, base if isinstance(base, str) else "")

    def _restore(self) -> None:
        """What is attached anew puts itself in force: what was so before is again."""
        active = self._in_force.active
        self._layers = _layers(self._model)
        for layer in self._layers:
            layer.enable_adapters(bool(active))
            layer.set_adapter([adapter.key for adapter, _ in active], inference_mode=True)

    def _let_go(self) -> None:
        for key in self._keys - {adapter.key for adapter in self._known.values()}:
            self._take_off(key)

    def _take_off(self, key: str) -> None:
        self._keys.discard(key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _delete(self._model, key)
        if not self._keys:
            _unwrap(self._model)
            self._layers = []


def _lora(config: Mapping[str, Any], modules: list[str]) -> Any:
    """The config that peft gets: its modules by their full names, and nothing that only training needs."""
    from peft import LoraConfig

    names = ("r", "lora_alpha", "use_rslora", "use_dora", "lora_bias", "rank_pattern", "alpha_pattern")
    given = {name: config[name] for name in names if config.get(name) is not None}
    return LoraConfig(**given, target_modules=modules, init_lora_weights=False, inference_mode=True)


def _layers(model: Any) -> list[Any]:
    """The modules that adapters are attached to."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [module for module in model.modules() if isinstance(module, BaseTunerLayer)]


@torch.inference_mode()
def _silent(model: Any, paths: Iterable[str]) -> str:
    """A module that no pass goes through, nor through one of its like (as some experts are not asked); else nothing."""
    asked: set[str] = set()
    kinds = {path: re.sub(r"\b\d+\b", "N", path) for path in paths}
    with ExitStack() as hooks:
        for path, kind in kinds.items():
            hook = model.get_submodule(path).register_forward_pre_hook(lambda *_, kind=kind: asked.add(kind))
            hooks.callback(hook.remove)
        model(input_ids=torch.zeros((1, 2), dtype=torch.long, device=model.device))
    return next((path for path, kind in kinds.items() if kind not in asked), "")


def _added(layer: Any) -> Iterator[nn.Parameter]:
    for name in layer.adapter_layer_names:
        yield from getattr(layer, name).parameters()


def _delete(model: Any, key: str) -> None:
    from peft.functional import delete_adapter

    delete_adapter(model, key, prefix="lora_")
    getattr(model, "peft_config", {}).pop(key, None)


def _unwrap(model: Any) -> None:
    """With the last adapter gone the model is made of its own modules again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for path, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, module.get_base_layer())
    vars(model).pop("peft_config", None)
