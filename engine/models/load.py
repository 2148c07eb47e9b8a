"""Loading: from a name to a `LoadedModel`, with progress, offline wherever the files are already here."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from engine.errors import Cancelled, LoadError, one_line
from engine.events import Progress
from engine.families import Family, family_for, family_named, transfo_xl
from engine.models import gguf
from engine.models.dtypes import QUANTIZED
from engine.models.estimate import check_room, free_memory
from engine.models.fingerprint import fingerprint
from engine.models.gguf_header import read_head
from engine.models.hub import fetch
from engine.models.loaded import LoadedModel
from engine.models.placement import give_back, is_out_of_memory, memory_free, pick_dtype
from engine.models.precision import check, planned
from engine.models.resolve import EMBEDDED, Source, no_adapter, resolve
from engine.models.spread import Place, pick_place
from engine.models.weights_progress import weights_progress

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Report = Callable[[Progress], None]
# Whatever is loaded is data: no code from a repository, no network for what lies on the disk.
_SAFELY: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
_A_LOOK = 0.2  # seconds between two looks at whether it was cancelled


def load(
    name: str | None,
    *,
    family: str = "auto",
    device: str = "auto",
    dtype: str = "auto",
    progress: Report | None = None,
) -> LoadedModel:
    """The model called `name`: the embedded one (None), `smollm2`, a folder, a .gguf file or a repository of the hub.

    `progress` is called from this thread with each `Progress`; it may raise `Cancelled`, which is passed on. Raises
    `LoadError`, one line that says what is wrong. After either nothing is left of what was loaded by then.
    """
    shown = name or EMBEDDED
    family_named(family)
    source = resolve(name)
    place = pick_place(device)
    check(dtype)
    try:
        with _explained(shown, place.device):
            loaded = _load(shown, source, family, place, dtype, progress or (lambda _: None))
    except BaseException as error:
        _let_go(error)
        raise
    return loaded


def _load(shown: str, source: Source, family: str, place: Place, dtype: str, report: Report) -> LoadedModel:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()  # nothing but `report` may write to the terminal
    report(Progress("looking for the model"))
    folder = source.place if source.kind != "hub" else str(fetch(source.place, report))
    no_adapter(Path(folder), shown)
    stopped = Event()
    summing = ThreadPoolExecutor(1).submit(fingerprint, Path(folder), stopped.is_set)  # while the weights are read
    try:
        if source.kind == "gguf":
            loaded = _load_gguf(shown, Path(folder), family, place, dtype, report)
        else:
            loaded = _load_folder(shown, folder, family, place, dtype, report)
        while not summing.done():
            report(Progress("checking the weights"))
            wait([summing], timeout=_A_LOOK)
    except BaseException:
        stopped.set()
        raise
    with suppress(OSError):
        loaded.sums = summing.result()
    report(Progress("warming up"))
    loaded.runner.reset()  # the first pass is slow and tells which runner fits: here, not in the first run
    return loaded


def _load_folder(shown: str, folder: str, family: str, place: Place, dtype: str, report: Report) -> LoadedModel:
    transfo_xl.register()
    config = AutoConfig.from_pretrained(folder, **_SAFELY)
    chosen = family_for(family, config.model_type)
    weights = _weights(folder, config, place, dtype, report)
    report(Progress("reading the tokenizer"))
    return LoadedModel(shown, folder, chosen, weights, chosen.tokenizer(folder, **_SAFELY))


def _load_gguf(shown: str, file: Path, family: str, place: Place, dtype: str, report: Report) -> LoadedModel:
    folder = gguf.kept_folder(file)
    if not folder.is_dir():
        report(Progress("reading the .gguf file; the next time will be quicker"))
        where = {"gguf_file": file.name, **_SAFELY}
        check_room(4 * read_head(file).parameters, free_memory(), "cpu")  # it is read there, in float32
        with weights_progress(report):
            tokenizer = AutoTokenizer.from_pretrained(file.parent, **where)
            model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **where)
        gguf.keep(folder, model, tokenizer)
        if not folder.is_dir():
            chosen: Family = family_for(family, model.config.model_type)
            if dtype in QUANTIZED:
                raise LoadError(f"dtype {dtype}: a .gguf file is quantized from a copy, for which the disk has no room")
            model = model.to(place.device, pick_dtype(dtype, place.device, model.num_parameters())).eval()
            return LoadedModel(shown, str(file), chosen, model, tokenizer)
        del model
    loaded = _load_folder(shown, str(folder), family, place, dtype, report)
    loaded.source = str(file)
    return loaded


def _weights(folder: str, config: PreTrainedConfig, place: Place, dtype: str, report: Report) -> Any:
    """The model on its device, in evaluation mode; `LoadError` if the file lacks weights that the config asks for."""
    with torch.device("meta"):
        bare = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    plan = planned(dtype, place, bare)
    if "max_memory" not in plan.options:  # else the plan knows what each GPU has
        check_room(plan.bytes, memory_free(place.device), str(place.device))
    with weights_progress(report):
        model, found = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            output_loading_info=True,
            weights_only=True,
            **plan.options,
            **_SAFELY,
        )
    if found["missing_keys"]:
        missing = sorted(found["missing_keys"])
        raise LoadError(f"the weights do not fit the config: {len(missing)} are missing, {missing[0]:.60} the first")
    return plan.settle(model)


@contextmanager
def _explained(shown: str, device: torch.device) -> Iterator[None]:
    """Turns whatever the libraries raise into one line about this model."""
    try:
        yield
    except Cancelled:
        raise
    except LoadError as error:
        raise error if str(error).startswith(shown) else LoadError(f"{shown}: {error}") from error
    except Exception as error:
        reason = _reason(error)
        if is_out_of_memory(error):
            reason = f"no room on {device}; try a smaller model, half precision or another device"
        raise LoadError(f"{shown}: {reason}") from error


def _let_go(error: BaseException) -> None:
    """Empties the frames that an error came through: they hold what was loaded for as long as the error is held."""
    chain: list[BaseException] = [error]
    for link in chain:  # it grows: each error brings those that it came from
        traceback.clear_frames(link.__traceback__)
        chain += [each for each in (link.__cause__, link.__context__) if each is not None and each not in chain]
    give_back()


def _reason(error: Exception) -> str:
    text = one_line(error, 200)
    if "does not appear to have a file named" in text or "no file named" in text:
        return "no weights in this folder (model.safetensors or pytorch_model.bin)"
    if "Weights only load failed" in text:
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        return (
            f"the weights file is no plain data{f', it asks for {asked[1]}' if asked else ''}: refused, nothing was run"
        )
    broken = "PytorchStreamReader" in text or "unexpected EOF" in text or isinstance(error, EOFError)
    if broken or type(error).__name__ == "SafetensorError":
        return f"the weights file is broken or cut short ({text})"
    if "size mismatch" in text or "mismatched" in text:
        return "the weights do not fit the config: their shapes differ"
    if isinstance(error, ImportError):
        return f"a library that it needs is missing ({text})"
    return text


os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
