"""Files of a run: the state to resume from, and the exported model."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from engine.models.embedded.history import History, write_history
from engine.models.embedded.recipe import Recipe, TrainingError
from engine.models.embedded.tokenizer import save_tokenizer

RESUME = "resume.pt"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a run stands, without its weights."""

    step: int
    """Steps done."""
    elapsed: float
    """Seconds trained so far, over all sittings."""
    text: str
    """Hash of the training text and its mix: another text is another run."""
    start: str = ""
    """SHA-256 of the weights that the run began with; empty if they were drawn from the seed."""


def save_resume(
    folder: Path,
    at: Resume,
    recipe: Recipe,
    tokenizer: Tokenizer,
    model: GPT2LMHeadModel,
    optimisers: list[torch.optim.Optimizer],
) -> None:
    """Write all that is needed to go on. A run killed here keeps the state it had before.

    Raises TrainingError if the folder cannot be written.
    """
    state = {
        "at": asdict(at),
        "recipe": json.dumps(asdict(recipe)),
        "tokenizer": tokenizer.to_str(),
        "model": model.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
    }
    with replacing(folder) as temporary:
        torch.save(state, temporary / RESUME)


def read_resume(folder: Path, recipe: Recipe, text: str, start: str) -> dict[str, Any] | None:
    """The saved state of a run in `folder`, or None if there is none.

    Raises TrainingError if it is damaged, or belongs to a run with another recipe, text or start.
    """
    path = folder / RESUME
    if not path.exists():
        if (folder / WEIGHTS).exists():
            raise TrainingError(f"{folder} already holds a finished model: name another folder")
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        old = json.loads(state["recipe"])
        at = Resume(**state["at"])
    except Exception as error:  # torch.load raises many kinds, all meaning the same
        raise TrainingError(f"{path} cannot be read: {type(error).__name__}") from error
    for name, value in json.loads(json.dumps(asdict(recipe))).items():
        if old.get(name) != value:
            raise TrainingError(f"{path} is of another run: its {name} is {old.get(name)}, this one's is {value}")
    if at.text != text:
        raise TrainingError(f"{path} is of another run: its text or its mix is not this one's")
    if at.start != start:
        raise TrainingError(f"{path} is of another run: it did not begin with the weights that this one does")
    return state


def restore(state: dict[str, Any], model: GPT2LMHeadModel, optimisers: list[torch.optim.Optimizer]) -> Resume:
    """Put a saved state into a model and its optimisers, on whichever device they are."""
    model.load_state_dict(state["model"])
    for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    return Resume(**state["at"])


def export(folder: Path, model: GPT2LMHeadModel, tokenizer: Tokenizer, history: History, card: str) -> None:
    """Write an ordinary checkpoint in half precision: any reader sees each file old or new, never torn.

    Raises TrainingError if the folder cannot be written.
    """
    half: Any = copy.deepcopy(model).to("cpu")
    half.half()
    half.generation_config.update(pad_token_id=0, do_sample=True, temperature=0.8)
    half.generation_config._from_model_config = False  # these are our own choices, to be kept on loading
    with replacing(folder) as temporary:
        half.save_pretrained(temporary)
        save_tokenizer(tokenizer, history[-1].recipe, temporary)
        write_history(temporary, history)
        (temporary / "README.md").write_text(card, encoding="utf-8")


def forget_resume(folder: Path) -> None:
    """Remove the state of a finished run."""
    (folder / RESUME).unlink(missing_ok=True)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A temporary folder whose files, if all goes well, replace those of `folder` one by one.

    Raises TrainingError, and leaves the files as they were, if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / ".writing"
        shutil.rmtree(temporary, ignore_errors=True)  # left by a run that was killed here
        temporary.mkdir()
        try:
            yield temporary
            for path in sorted(temporary.iterdir()):
                path.chmod(0o644)  # safetensors writes 0600, and a package must be readable by all
                os.replace(path, folder / path.name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except (OSError, RuntimeError, SafetensorError) as error:  # a full disk has many names
        raise TrainingError(f"cannot write to {folder}: {error}") from error
