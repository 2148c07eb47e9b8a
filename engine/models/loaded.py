"""A model that is ready: weights on their device, tokenizer, family and runner."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from engine.detokenizer import piece
from engine.errors import EngineError
from engine.models import precision
from engine.models.adapters import Adapters, Mix
from engine.models.placement import machine
from engine.models.spread import ALL
from engine.runner import Runner, runner_for
from engine.written import byte_tokenizer, written

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from engine.families import Family
    from engine.sampling.healing import Vocabulary


@dataclass
class LoadedModel:
    """What `load` gives and `generate` takes. `name` is what the user called it, `source` where it was found."""

    name: str
    source: str
    family: Family
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    drafting: dict[str, Any] = field(default_factory=dict, repr=False)
    """Models that draft for this one, by name, and how they went about it last (`engine.strategies.assisted`)."""
    sums: dict[str, str] = field(default_factory=dict, repr=False)
    """What tells its files from others (`engine.models.fingerprint`); empty for a model that is in no file."""
    caches: dict[Any, str] = field(default_factory=dict, repr=False)
    """Caches that were tried with this model, and why one cannot be had; empty where it can."""
    adapters: Adapters = field(default_factory=Adapters, repr=False)
    """What is attached to its weights, whoever computes with them."""
    _pieces: dict[int, str] = field(default_factory=dict, repr=False)

    @cached_property
    def runner(self) -> Runner:
        """The forward passes and their cache; it lives as long as the model, so a new run reuses what it shares."""
        return self._bare(runner_for(self.model))

    @cached_property
    def second_runner(self) -> Runner:
        """One with a cache of its own, for what a text is set against."""
        return self._bare(runner_for(self.model))

    def mix(self, adapters: str) -> Mix:
        """The adapters that a setting names, attached. Raises `EngineError`."""
        return self.adapters.mix(self.model, adapters)

    def _bare(self, runner: Runner) -> Runner:
        runner.adapt(self.mix(""))
        return runner

    def apart(self) -> LoadedModel:
        """The same weights with runners of their own: what is computed there leaves no trace here."""
        return replace(self, drafting={})

    @cached_property
    def looking(self) -> LoadedModel:
        """Itself for looking only, so that a run meets the same cache, and rounds the same, looked at or not."""
        return self.apart()

    def without_weights(self) -> LoadedModel:
        """Itself for reading and counting tokens only, with a tokenizer of its own: it keeps no weights in memory."""
        shell: Any = SimpleNamespace(config=self.model.config, generation_config=self.model.generation_config)
        apart: dict[str, Any] = {"drafting": {}, "caches": {}, "adapters": Adapters(), "_pieces": {}}
        return replace(self, model=shell, tokenizer=deepcopy(self.tokenizer), **apart)

    @property
    def device(self) -> torch.device:
        """Where the first weights lie."""
        return self.model.device

    @property
    def place(self) -> str:
        """The same as `load` takes it: `all` where the weights are spread over several GPUs."""
        places = set(map(str, getattr(self.model, "hf_device_map", {}).values()))
        return ALL if len(places) > 1 else str(self.device)

    @property
    def dtype(self) -> str:
        """The weights' precision, as `load` takes it."""
        return precision.name_of(self.model)

    @cached_property
    def parameters(self) -> int:
        """How many weights there are, tied ones counted once, adapters' not."""
        return sum(map(precision.elements, self.adapters.own_weights(self.model)))

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes that the weights take on their device."""
        return sum(map(precision.stored_bytes, self.adapters.own_weights(self.model)))

    @cached_property
    def positions(self) -> int | None:
        """How many tokens the model takes, prompt and continuation together; None where there is no limit."""
        longest = getattr(self.model.config.get_text_config(decoder=True), "max_position_embeddings", None)
        return longest if isinstance(longest, int) and longest > 0 else None

    @cached_property
    def vocabulary_size(self) -> int:
        """How many ids the model has logits for; a tokenizer may know fewer or more."""
        return int(self.model.config.get_text_config(decoder=True).vocab_size)

    @cached_property
    def eos_token_ids(self) -> tuple[int, ...]:
        """The ids that end a text by the model's own word."""
        ids = self.model.generation_config.eos_token_id
        if ids is None:
            ids = self.tokenizer.eos_token_id
        return () if ids is None else (ids,) if isinstance(ids, int) else tuple(ids)

    @cached_property
    def turn_end(self) -> int | None:
        """What ends a turn in its chat template, where that is not among its own ends: the template is run for it."""
        from engine.chat import turn_end

        return turn_end(self)

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text: end of text, padding and the like."""
        return frozenset(self.tokenizer.all_special_ids) | frozenset(self.eos_token_ids)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What its tokens stand for, found by how they begin."""
        from engine.sampling.healing import Vocabulary

        return Vocabulary(self)

    @cached_property
    def grammar_tokenizer(self) -> Any:
        """The vocabulary as llguidance reads it. Raises `EngineError` for a tokenizer that it cannot read."""
        from llguidance.hf import from_tokenizer

        try:
            return from_tokenizer(
                self.tokenizer, n_vocab=self.vocabulary_size, eos_token=list(self.eos_token_ids) or None
            )
        except Exception as error:  # it raises what its Rust part raises, ValueError and others
            kind = type(self.tokenizer).__name__
            raise EngineError(f"a form needs a fast tokenizer that can be read, and {kind} is none") from error

    @cached_property
    def written(self) -> list[bytes]:
        """For each id the bytes that it writes (`engine.written`)."""
        return written(self)

    @cached_property
    def byte_tokenizer(self) -> Any:
        """The vocabulary by what it writes, as llguidance reads it."""
        return byte_tokenizer(self.written)

    def identity(self, adapters: Iterable[str] = ()) -> dict[str, Any]:
        """What a transcript says of the model, of these adapters, and of the machine that ran it."""
        return {
            "name": self.name,
            "source": self.source,
            "family": self.family.name,
            "type": self.model.config.model_type,
            "parameters": self.parameters,
            "device": self.place,
            "dtype": self.dtype,
            **self.sums,
            "adapters": self.adapters.identities(adapters),
            "versions": {package: version(package) for package in ("torch", "transformers", "textgen-tui")},
            **machine(self.device),
        }

    def piece(self, token_id: int) -> str:
        """One token as text, its leading space kept."""
        if token_id not in self._pieces:
            self._pieces[token_id] = piece(self.tokenizer, token_id)
        return self._pieces[token_id]
