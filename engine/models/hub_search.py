"""The hub's own list of models, and what it says of one that is not on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi, ModelInfo, hf_hub_url
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from engine.models.card import LARGEST, Card, read_card
from engine.models.details import Details
from engine.models.entry import Entry
from engine.models.hub_asking import PATIENCE_S, ask, hub_errors
from engine.models.shape import shape_of
from engine.models.small_files import text_in

_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2}
_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_TOLD: list[Any] = ["config", "downloads", "gated", "safetensors", "tags"]


def search(text: str, limit: int = 20, look: Callable[[], object] = lambda: None) -> list[Entry]:
    """Models for text generation that the hub finds by a text, the most often fetched first.

    `look` is called while the hub is waited for, and may raise `Cancelled`. Raises `LoadError`, one line, where the
    hub is out of reach.
    """

    def work() -> list[ModelInfo]:
        found = HfApi().list_models(
            search=text or None, pipeline_tag="text-generation", sort="downloads", limit=limit, expand=_TOLD
        )
        return list(found)

    with hub_errors("the hub's search"):
        return [_entry(info) for info in ask(work, look, PATIENCE_S)]


def remote_details(repository: str, look: Callable[[], object] = lambda: None) -> Details:
    """What the hub says of a model before it is fetched. Raises `LoadError`."""
    with hub_errors(repository):
        return ask(lambda: _details(repository), look)


def remote_card(repository: str, look: Callable[[], object] = lambda: None) -> Card:
    """The card of a model on the hub. Raises `LoadError`."""
    with hub_errors(repository):
        return read_card(ask(lambda: _small_file(repository, "README.md", "main"), look).decode("utf-8", "replace"))


def _details(repository: str) -> Details:
    info = HfApi().model_info(repository, timeout=PATIENCE_S, expand=[*_TOLD, "cardData", "sha"])
    told = info.config if isinstance(info.config, dict) else {}
    config = {} if info.gated else _config(repository, str(info.sha or "main"))
    tensors = info.safetensors
    kinds = dict(tensors.parameters) if tensors else {}
    tokenizer = told.get("tokenizer_config")
    licence = info.card_data.get("license") if info.card_data else None
    return Details(
        _size(kinds),
        sum(kinds.values()) or None,
        _TYPES.get(max(kinds, key=lambda kind: kinds[kind], default=""), ""),
        shape_of(config or told),
        isinstance(tokenizer, dict) and bool(tokenizer.get("chat_template")),
        licence[:100] if isinstance(licence, str) else "",
    )


def _config(repository: str, revision: str) -> dict[str, Any]:
    """Its config.json; empty where it has none that can be read."""
    try:
        value = json.loads(_small_file(repository, "config.json", revision))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _small_file(repository: str, name: str, revision: str) -> bytes:
    """A file's bytes; none where the repository has no such file, or one that is too large."""
    url = hf_hub_url(repository, name, revision=revision)
    with get_session().stream("GET", url, headers=build_hf_headers(), timeout=PATIENCE_S) as response:
        if response.status_code == 404:
            return b""
        if response.status_code >= 400:
            response.read()
        hf_raise_for_status(response)
        raw = b""
        for piece in response.iter_bytes(1 << 16):
            raw += piece
            if len(raw) > LARGEST:
                return b""
    return raw


def _entry(info: ModelInfo) -> Entry:
    config = info.config if isinstance(info.config, dict) else {}
    kinds = dict(info.safetensors.parameters) if info.safetensors else {}
    problem = "gated: its terms have to be accepted on its page" if info.gated else ""
    if not problem and "gguf" in (info.tags or ()) and not kinds:
        problem = "holds .gguf files alone: get one with hf download, and load that"
    return Entry(info.id, "hub", None, text_in(config, "model_type"), _size(kinds), None, problem)


def _size(kinds: dict[str, int]) -> int:
    return sum(count * _BYTES.get(kind, 1) for kind, count in kinds.items())
