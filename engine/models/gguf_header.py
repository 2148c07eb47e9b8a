"""What the head of a .gguf file says of its model.

The library's own reader copies every word of the vocabulary, which takes seconds; here lists are passed over. All
numbers in the file are checked before they are followed.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import LoadError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_MOST = 100_000  # values, tensors
_LONGEST = 1_000_000  # bytes of a text that is kept
_MOST_WORDS = 10_000_000
_LARGEST = 2**45  # numbers in a tensor


@dataclass(frozen=True, slots=True)
class Head:
    """`values` are the file's own keys (of a list its length); `dtype` is the type that most numbers are stored in."""

    values: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    dtype: str = ""


def architecture(path: Path) -> str:
    """The model's type as the file names it. Raises `LoadError` for a file that is no .gguf."""
    for key, value in _Reader.over(path):
        if key == "general.architecture":
            return str(value)[:100]
    return ""


def read_head(path: Path) -> Head:
    """All that the head says. Raises `LoadError` for a file that is no .gguf or is cut short."""
    reader = _Reader.over(path)
    values = dict(reader)
    kinds = Counter[int]()
    for size, kind in reader.tensors():
        kinds[kind] += size
    return Head(values, sum(kinds.values()), _type_name(kinds.most_common(1)[0][0]) if kinds else "")


def _type_name(kind: int) -> str:
    from gguf import GGMLQuantizationType

    with suppress(ValueError):
        name = GGMLQuantizationType(kind).name.lower()
        return {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}.get(name, name)
    return ""


class _Reader:
    """Goes through the head once, from the front: first its values, then its tensors."""

    @classmethod
    def over(cls, path: Path) -> _Reader:
        try:
            with path.open("rb") as file:
                return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            raise LoadError("no .gguf file, or one that cannot be read") from error

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at, self._order = data, 4, "<"
        if data[:4] != b"GGUF":
            raise LoadError("no .gguf file")
        version = self._number("I")
        if not version & 0xFFFF:
            self._order = ">"
            version = int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in (2, 3):
            raise LoadError(f"a .gguf file of version {version}, which cannot be read")
        self._tensors, self._values = self._number("Q"), self._number("Q")
        if max(self._tensors, self._values) > _MOST:
            raise self._broken()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for _ in range(self._values):
            yield self._text(), self._value(self._number("I"))

    def tensors(self) -> Iterator[tuple[int, int]]:
        """How many numbers each has, and the type that they are stored in."""
        for _ in range(self._tensors):
            self._skip(self._number("Q"))
            dimensions = self._number("I")
            if dimensions > 8:
                raise self._broken()
            size = math.prod(self._number("Q") for _ in range(dimensions))
            kind, _ = self._number("I"), self._number("Q")
            if size > _LARGEST:
                raise self._broken()
            yield size, kind

    def _value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            return self._number(self._code(kind))
        inner, length = self._number("I"), self._number("Q")
        if inner == _TEXT:
            if length > _MOST_WORDS:
                raise self._broken()
            for _ in range(length):
                self._skip(self._number("Q"))
        else:
            self._skip(length * struct.calcsize(self._code(inner)))
        return length

    def _code(self, kind: int) -> str:
        if kind not in _SCALARS:
            raise self._broken()
        return _SCALARS[kind]

    def _number(self, code: str) -> Any:
        try:
            (value,) = struct.unpack_from(self._order + code, self._data, self._at)
        except struct.error as error:
            raise self._broken() from error
        self._at += struct.calcsize(code)
        return value

    def _text(self) -> str:
        length, start = self._number("Q"), self._at
        self._skip(length)
        return self._data[start : start + min(length, _LONGEST)].decode("utf-8", "replace")

    def _skip(self, length: int) -> None:
        self._at += length
        if self._at > len(self._data):
            raise self._broken()

    @staticmethod
    def _broken() -> LoadError:
        return LoadError("the .gguf file is broken or cut short")
