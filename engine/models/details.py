"""What a model's small files and the headers of its weights say of it, before anything is loaded."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import LoadError
from engine.models.card import card
from engine.models.gguf_header import read_head
from engine.models.shape import Shape, shape_of, shape_of_gguf
from engine.models.small_files import read_object, text_in
from engine.models.weight_files import ADAPTER_CONFIG, Weights, read_headers, weight_files

# Types that share the embedding with the output where their config says nothing of it.
_TIED = {"gpt2", "openai-gpt", "ctrl", "xlnet", "xlm", "transfo-xl", "gpt_neo", "opt", "bloom"}
_MOST_EXACT = 2**31  # bytes of pickled weights that are worth a model without weights to count


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of a model that is not loaded; None or "" for what is not.

    `dtype` is that of the files, `size_bytes` theirs on the disk. An adapter's shape is empty, and `base` names the
    model that it is for.
    """

    size_bytes: int = 0
    parameters: int | None = None
    dtype: str = ""
    shape: Shape = field(default_factory=Shape)
    chat_template: bool = False
    licence: str = ""
    base: str = ""

    @property
    def model_type(self) -> str:
        """As in its config."""
        return self.shape.model_type

    @property
    def family(self) -> str:
        """The name of our family for it; `auto` for any other."""
        from engine.families import FAMILIES

        return next((f.name for f in FAMILIES.values() if self.model_type in f.model_types), "auto")


def details_of(place: Path) -> Details:
    """The details of a folder or a .gguf file. Raises `LoadError`, without its name, for what cannot be read at all."""
    if place.is_file():
        return _of_gguf(place)
    if (place / ADAPTER_CONFIG).is_file():
        return _of_adapter(place)
    config = read_object(place / "config.json")
    if not config:
        raise LoadError("no config.json that can be read")
    shape = shape_of(config)
    files = _files(place)
    weights = _weights(place, files, config)
    return Details(
        sum(file.stat().st_size for file in files),
        weights.parameters if weights else None,
        (weights and weights.dtype) or text_in(config, "dtype", "torch_dtype"),
        shape,
        _has_template(place),
        card(place).licence,
    )


def _of_gguf(file: Path) -> Details:
    head = read_head(file)
    return Details(
        file.stat().st_size,
        head.parameters or None,
        head.dtype,
        shape_of_gguf(head.values),
        bool(head.values.get("tokenizer.chat_template")),
        text_in(head.values, "general.license"),
        text_in(head.values, "general.base_model.0.name"),
    )


def _of_adapter(place: Path) -> Details:
    files = _files(place)
    weights = read_headers(files, tied=False) if files else None
    return Details(
        sum(file.stat().st_size for file in files),
        weights.parameters if weights else None,
        weights.dtype if weights else "",
        licence=card(place).licence,
        base=text_in(read_object(place / ADAPTER_CONFIG), "base_model_name_or_path"),
    )


def _files(place: Path) -> list[Path]:
    with suppress(LoadError):
        return weight_files(place)
    return []


def _weights(place: Path, files: list[Path], config: dict[str, Any]) -> Weights | None:
    if not files:
        return None
    tied = config.get("tie_word_embeddings", config.get("model_type") in _TIED)
    if files[0].suffix == ".safetensors":
        return read_headers(files, tied=tied is True)
    if sum(file.stat().st_size for file in files) > _MOST_EXACT:
        return None
    count = _counted(place)
    return Weights(count, "") if count else None


def _counted(place: Path) -> int | None:
    """The parameters of a pickled checkpoint, from a model without weights; None where torch is not loaded yet."""
    if not {"torch", "transformers"} <= set(sys.modules):
        return None
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from engine.families import transfo_xl

    try:
        transfo_xl.register()
        config = AutoConfig.from_pretrained(place, trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            return int(AutoModelForCausalLM.from_config(config, trust_remote_code=False).num_parameters())
    except Exception:  # what a config asks for may be anything
        return None


def _has_template(place: Path) -> bool:
    if (place / "chat_template.jinja").is_file() or (place / "chat_template.json").is_file():
        return True
    return bool(read_object(place / "tokenizer_config.json").get("chat_template"))
