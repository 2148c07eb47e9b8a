"""Vocabulary files: every form that exists is read, and nothing in one is ever run."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import zipfile
from collections import Counter, OrderedDict, UserDict
from pathlib import Path
from typing import Any

import pytest
import torch
from sacremoses import MosesDetokenizer, MosesPunctNormalizer, MosesTokenizer

from engine.errors import EngineError, LoadError
from engine.families.transfo_xl.vocabulary import read_symbols
from tests.engine.transfo_xl.tiny import WORDS
from tests.paths import GOLDEN, needs_golden

SYMBOLS = list(WORDS)


def attributes(**more: Any) -> dict[str, Any]:
    """What the original Vocab class kept."""
    indices = OrderedDict((symbol, index) for index, symbol in enumerate(SYMBOLS))
    kept = {"counter": Counter(SYMBOLS), "special": ["<eos>"], "min_freq": 0, "max_size": None, "delimiter": None}
    return kept | {"idx2sym": SYMBOLS, "sym2idx": indices, "eos_idx": 0} | more


def refused(path: Path, match: str) -> None:
    with pytest.raises(LoadError, match=match) as caught:
        read_symbols(path)
    assert str(caught.value).startswith(f"{path.name}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def write(folder: Path, content: Any, protocol: int = 4) -> Path:
    file = folder / "vocab.pkl"
    file.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return file


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_any_protocol_is_read(protocol: int, tmp_path: Path) -> None:
    assert read_symbols(write(tmp_path, attributes(), protocol)) == SYMBOLS


@pytest.mark.parametrize("zipped", [True, False])
def test_both_containers_of_torch_are_read(zipped: bool, tmp_path: Path) -> None:
    torch.save(attributes(), tmp_path / "vocab.bin", _use_new_zipfile_serialization=zipped)
    assert read_symbols(tmp_path / "vocab.bin") == SYMBOLS


def test_what_a_tokenizer_kept_beside_it_is_passed_over(tmp_path: Path) -> None:
    beside = {
        "pattern": re.compile(r"\d+"),
        "moses": [MosesTokenizer("en"), MosesDetokenizer("en"), MosesPunctNormalizer("en")],
    }
    assert read_symbols(write(tmp_path, attributes(**beside))) == SYMBOLS
    frameless = pickle._dumps(attributes(), 2)  # type: ignore[attr-defined]
    assert frameless.endswith(b"u.")
    old = b"ctransformers.tokenization_utils\nTrie\n)\x81}X\x04\x00\x00\x00data}sb"
    assert read_symbols(write(tmp_path, frameless[:-2] + b"X\x04\x00\x00\x00trie" + old + b"u.")) == SYMBOLS


def test_a_list_of_lines_and_a_json_list_are_read(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("<eos> 12\nthe 7\n\nriver\n", encoding="utf-8")
    assert read_symbols(tmp_path / "vocab.txt") == ["<eos>", "the", "river"]
    (tmp_path / "vocab.json").write_text('["<eos>", "a\\n", "b"]', encoding="utf-8")
    assert read_symbols(tmp_path / "vocab.json") == ["<eos>", "a\n", "b"]


def test_indices_alone_are_enough(tmp_path: Path) -> None:
    content = attributes()
    del content["idx2sym"]
    assert read_symbols(write(tmp_path, content)) == SYMBOLS


class _Runs:
    """A pickle that calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize(
    ("evil", "name"),
    [
        (_Runs(os.system, "touch PWNED"), r"(posix|nt)\.system"),
        (_Runs(eval, "open('PWNED', 'w')"), r"builtin(s|__)\.eval"),
        (_Runs(getattr, [], "append"), r"builtin(s|__)\.getattr"),
        (_Runs(re.template if hasattr(re, "template") else re.sub, "a"), r"re\."),
        (UserDict(), r"UserDict|copy_reg"),
        (torch.nn.Linear, r"torch"),
        (Path("PWNED"), r"pathlib"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("container", ["plain", "zip", "legacy"])
def test_anything_else_is_refused_by_name(
    evil: Any, name: str, protocol: int, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, {"first": evil} | attributes(), protocol)
    if container == "zip":
        data = file.read_bytes()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("vocab/data.pkl", data)
    elif container == "legacy":
        torch.save({"first": evil}, file, _use_new_zipfile_serialization=False, pickle_protocol=protocol or 1)
    refused(file, f"refused: .*{name}")
    assert os.listdir() == ["vocab.pkl"]


def test_an_admitted_name_reaches_nothing_real(tmp_path: Path) -> None:
    """`re._compile` and the containers are stand-ins: changing them, or calling them, changes nothing outside."""
    overwrite = b"\x80\x02ccollections\nCounter\nN}X\x06\x00\x00\x00updatecre\n_compile\ns\x86b."
    before = Counter.update
    refused(write(tmp_path, overwrite), "vocab")
    assert Counter.update is before
    refused(write(tmp_path, b"\x80\x02cre\n_compile\nX\x01\x00\x00\x00(K\x00\x86R."), "attributes of a vocabulary")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "broken"),
        (b"hello, this is text", "broken"),
        (b"PK\x03\x04 and no zip", "broken"),
        (pickle.dumps(attributes())[:-100], "broken"),
        (b"\x80\x02U\x01aQ.", "data outside"),
        (b"\x80\x04\x82\x01.", "broken"),
        ([1, 2], "attributes"),
        (7, "attributes"),
        ({}, "not a list"),
        (attributes(idx2sym=[]), "not a list"),
        (attributes(idx2sym=["a", 1]), "not a list"),
        (attributes(idx2sym=["a", "a"]), "twice"),
        (attributes(sym2idx={"a": 0}), "do not fit"),
        (attributes(sym2idx={symbol: 0 for symbol in SYMBOLS}), "do not fit"),
        (attributes(sym2idx={symbol: str(index) for index, symbol in enumerate(SYMBOLS)}), "whole number"),
        (attributes(sym2idx=SYMBOLS), "do not fit"),
    ],
    ids=str,
)
def test_what_is_no_vocabulary_is_refused(content: Any, match: str, tmp_path: Path) -> None:
    refused(write(tmp_path, content), match)


def test_a_zip_without_a_pickle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vocab.bin"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("readme.txt", "x")
    file.write_bytes(archive.getvalue())
    refused(file, "no vocabulary in it")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    file = write(tmp_path, b"")
    os.truncate(file, 1 << 29)
    refused(file, "too large")


@needs_golden
def test_the_variants_of_the_reference_vocabulary() -> None:
    wanted = json.loads((GOLDEN / "vocab_variants/expected_idx2sym.json").read_text(encoding="utf-8"))
    files = sorted(GOLDEN.glob("vocab_variants/*/vocab.*")) + sorted(GOLDEN.glob("checkpoints/transfo-xl*/vocab.*"))
    assert len(files) == 5
    for file in files:
        assert read_symbols(file) == wanted, file


@needs_golden
def test_the_hostile_reference_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = sorted(GOLDEN.glob("security/vocab_*/vocab.pkl"))
    assert len(files) == 7
    for file in files:
        with pytest.raises(EngineError) as caught:
            read_symbols(file)
        assert "\n" not in str(caught.value)
    assert os.listdir() == []
