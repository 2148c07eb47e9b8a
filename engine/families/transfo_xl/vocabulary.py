"""Reading Transformer-XL's vocabularies, which are pickles, without running what a pickle may contain.

Files that exist: the attributes of the original `Vocab` class; the whole attribute dict of a tokenizer as old
releases of transformers saved it, with library objects in it; both as plain pickles or inside torch's containers.
Only the list of symbols is wanted from any of them.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import LoadError, one_line, shown

_MAGIC = 0x1950A86A20F9469CFC6C  # the first object of torch's legacy container
_LARGEST = 1 << 28  # bytes; the largest vocabulary published, with counts, takes some 10 MB

_CONTAINERS = frozenset({("collections", "Counter"), ("collections", "OrderedDict")})
# What tokenizers kept beside their vocabulary. Nothing of it is needed, so it is read as an object that does nothing.
_BYSTANDERS = frozenset(
    {
        ("re", "_compile"),
        ("sacremoses.normalize", "MosesPunctNormalizer"),
        ("sacremoses.tokenize", "MosesDetokenizer"),
        ("sacremoses.tokenize", "MosesTokenizer"),
        ("tokenizers", "AddedToken"),
        ("transformers.tokenization_utils", "Trie"),
        ("transformers.tokenization_utils_base", "AddedToken"),
    }
)


def read_symbols(path: Path) -> list[str]:
    """The symbols of a vocabulary file by their ids; `LoadError` for anything but a clean vocabulary."""
    try:
        if path.stat().st_size > _LARGEST:
            raise LoadError("too large to be a vocabulary")
        if path.suffix == ".txt":
            return _from_lines(path.read_text(encoding="utf-8"))
        if path.suffix == ".json":
            return _checked(json.loads(path.read_bytes()), None)
        content = _unpickled(path.read_bytes())
    except LoadError as error:
        raise LoadError(f"{path.name}: {error}") from None
    except Exception as error:  # a broken pickle raises whatever its broken part runs into
        raise LoadError(f"{path.name}: not a vocabulary, or a broken one ({one_line(error, 100)})") from None
    try:
        if not isinstance(content, Mapping):
            raise LoadError(f"holds a {type(content).__name__} and not the attributes of a vocabulary")
        return _checked(content.get("idx2sym"), content.get("sym2idx"))
    except LoadError as error:
        raise LoadError(f"{path.name}: {error}") from None


def _unpickled(data: bytes) -> Any:
    """The object in a pickle, in torch's zip container or in its legacy one."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = next((item for item in archive.infolist() if item.filename.endswith("/data.pkl")), None)
            if inside is None or inside.file_size > _LARGEST:
                raise LoadError("a zip file with no vocabulary in it")
            return _Unpickler(io.BytesIO(archive.read(inside))).load()
    file = io.BytesIO(data)
    first = _Unpickler(file).load()
    if isinstance(first, int) and first == _MAGIC:
        for _ in ("protocol version", "facts about the machine"):
            _Unpickler(file).load()
        first = _Unpickler(file).load()
    return first


class _Unpickler(pickle.Unpickler):
    """Knows no class and no function of Python: every name is refused, or stands for a class made here.

    So nothing is imported or called, and the stand-ins, which a pickle could change, live no longer than the load.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._made: dict[tuple[str, str], type] = {}

    def find_class(self, module: str, name: str, /) -> type:
        wanted = (module, name)
        if wanted not in _CONTAINERS | _BYSTANDERS:
            raise LoadError(f"refused: it asks for {shown(f'{module}.{name}')}, which has no place in a vocabulary")
        if wanted not in self._made:
            self._made[wanted] = type(name, (dict,), {}) if wanted in _CONTAINERS else type(name, (_Bystander,), {})
        return self._made[wanted]

    def persistent_load(self, pid: object, /) -> Any:
        raise LoadError("refused: it refers to data outside itself")


class _Bystander:
    """Takes whatever it is made of and forgets it."""

    def __new__(cls, *_: object, **__: object) -> _Bystander:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _from_lines(text: str) -> list[str]:
    """One symbol a line, perhaps with a count after it; empty lines do not count."""
    return _checked([line.split()[0] for line in text.split("\n") if line.strip()], None)


def _checked(symbols: object, indices: object) -> list[str]:
    """The symbols, of which each must be text, come once, and have its place as its index where indices are given."""
    if symbols is None and isinstance(indices, Mapping):  # some releases saved the one without the other
        symbols = sorted(indices, key=lambda symbol: _whole(indices[symbol]))
    if not isinstance(symbols, list) or not symbols or not all(type(symbol) is str for symbol in symbols):
        raise LoadError("its symbols are not a list of texts")
    if len(set(symbols)) < len(symbols):
        raise LoadError("a symbol of it comes twice")
    if indices is not None:
        if not isinstance(indices, Mapping) or len(indices) != len(symbols):
            raise LoadError("its symbols and their indices (idx2sym, sym2idx) do not fit")
        for index, symbol in enumerate(symbols):
            if _whole(indices.get(symbol)) != index:
                raise LoadError(f"its symbols and their indices do not fit: {shown(symbol)} should have {index}")
    return symbols


def _whole(value: object) -> int:
    if type(value) is not int:
        raise LoadError("an index of it is not a whole number")
    return value
