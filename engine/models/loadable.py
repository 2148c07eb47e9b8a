"""Whether a folder holds a model that can be loaded, as far as its small files tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import LoadError
from engine.models.small_files import read_object, text_in
from engine.models.weight_files import ADAPTER_CONFIG, headers_are_whole, weight_files

# A model of one of these classes reads a text, or a picture, and writes none.
_NO_WRITERS = ("Classification", "QuestionAnswering", "ForMaskedLM", "ForPreTraining", "ForMultipleChoice")


class Loadable(NamedTuple):
    """The `model_type` (of an adapter its `peft_type`), the bytes of its weights, and one line where it cannot be."""

    family: str
    size_bytes: int
    problem: str = ""


def loadable(folder: Path, *, open_weights: bool = True) -> Loadable:
    """What a checkpoint's folder, or an adapter's, promises.

    The heads of the weights are read if they may be opened: in the hub's cache that would count as a use of them.
    """
    adapter = (folder / ADAPTER_CONFIG).is_file()
    config = read_object(folder / (ADAPTER_CONFIG if adapter else "config.json"))
    family = text_in(config, "peft_type").lower() if adapter else text_in(config, "model_type")
    if not config:
        return Loadable("", 0, "its config is no JSON object" if _has_config(folder) else "no config.json")
    try:
        files = weight_files(folder)
        size = sum(file.stat().st_size for file in files)
    except LoadError as error:
        return Loadable(family, 0, str(error))
    except OSError as error:
        return Loadable(family, 0, f"cannot be read ({error.strerror})")
    if open_weights and not headers_are_whole(files):
        return Loadable(family, size, "the weights are broken or cut short")
    return Loadable(family, size, "" if adapter else _no_writer(config))


def _has_config(folder: Path) -> bool:
    return (folder / "config.json").is_file() or (folder / ADAPTER_CONFIG).is_file()


def _no_writer(config: dict[str, Any]) -> str:
    classes = config.get("architectures")
    names = [each for each in classes if isinstance(each, str)] if isinstance(classes, list) else []
    if names and all(any(word in name for word in _NO_WRITERS) for name in names):
        return f"writes no text ({names[0]:.60})"
    return ""
