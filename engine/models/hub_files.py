"""Which files of a repository are fetched: one set of weights, and the small files that go with it; never any code."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

from huggingface_hub import hf_hub_url

from engine.errors import LoadError
from engine.models.download import RemoteFile

# The first that is there is taken, with all its parts: safetensors before pickles, which are read by weights_only.
_WEIGHTS = (
    ("model.safetensors", "model.safetensors"),
    ("model.safetensors.index.json", "model-*-of-*.safetensors"),
    ("pytorch_model.bin", "pytorch_model.bin"),
    ("pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"),
)
_ADAPTER = (
    ("adapter_model.safetensors", "adapter_model.safetensors"),
    ("adapter_model.bin", "adapter_model.bin"),
)
_BESIDE = ("*.json", "*.txt", "*.model", "*.jinja", "vocab.pkl", "vocab.bin", "README.md", "LICEN[SC]E*")
_NOT_BESIDE = ("*.index.json", "*onnx*", "*.msgpack*", "tf_model*", "trainer_state.json")
_LARGEST_BESIDE = 200_000_000  # bytes
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SUM = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def wanted(repository: str, info: Any) -> tuple[RemoteFile, ...]:
    """The files to fetch, from the hub's description (`ModelInfo` with `files_metadata`).

    Nothing in a description is trusted: a file in a folder, or with a name that can be none, is not there. Raises
    `LoadError` for a repository that holds no model, and for a description that says too little.
    """
    if not _COMMIT.fullmatch(str(info.sha)):
        raise LoadError(f"{repository}: the hub names no commit of it; is HF_ENDPOINT the address of a hub?")
    sizes = {item.rfilename: item.size for item in info.siblings or () if _is_plain(item.rfilename)}
    named = set(sizes)
    weights = _weights(repository, named)
    beside = {
        name
        for name in named
        if any(fnmatch(name, pattern) for pattern in _BESIDE) and not any(fnmatch(name, p) for p in _NOT_BESIDE)
    }
    chosen = weights | {name for name in beside if name not in weights and (sizes[name] or 0) <= _LARGEST_BESIDE}
    return tuple(_remote(repository, info.sha, item) for item in info.siblings if item.rfilename in chosen)


def _weights(repository: str, named: set[str]) -> set[str]:
    adapter = "adapter_config.json" in named
    if not adapter and "config.json" not in named:
        gguf = " (it holds .gguf files: get one with hf download, and load that)" if _any(named, "*.gguf") else ""
        raise LoadError(f"{repository}: no config.json, so it holds no model for transformers{gguf}")
    for head, pattern in _ADAPTER if adapter else _WEIGHTS:
        parts = {name for name in named if fnmatch(name, pattern)}
        if head in named and parts:
            return {head, *parts}
    raise LoadError(f"{repository}: no weights that can be read safely (model.safetensors or pytorch_model.bin)")


def _remote(repository: str, commit: str, item: Any) -> RemoteFile:
    total = item.lfs.sha256 if item.lfs else item.blob_id
    size = item.lfs.size if item.lfs else item.size
    if not isinstance(size, int) or size < 0 or not _SUM.fullmatch(str(total)):
        raise LoadError(f"{repository}: the hub does not tell size and sum of {item.rfilename:.60}")
    return RemoteFile(item.rfilename, hf_hub_url(repository, item.rfilename, revision=commit), size, str(total))


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(r"[\w][\w .+\-]*", name)) and not name.endswith(".py")


def _any(named: set[str], pattern: str) -> bool:
    return any(fnmatch(name, pattern) for name in named)
