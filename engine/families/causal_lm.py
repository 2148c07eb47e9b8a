"""Any model that transformers' AutoModelForCausalLM opens, and what all families share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import LoadError, PromptError
from engine.events import Note, Prepared
from engine.settings import Settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from engine.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class Choices:
    """What a family's prompt can be told by name: how a prompt may begin, or the values of a setting.

    `setting` names the setting that takes the chosen name; None where the name goes to the head of the prompt.
    """

    title: str
    names: tuple[str, ...]
    setting: str | None = None


_MOST_MARKS = 4  # more special tokens than that at the beginning are no start of text

TRAILING_SPACE = Note(
    "info",
    "trailing-space",
    "The prompt ends with a space. Models put the space before a word themselves, so it reads better without.",
)


class Family:
    """How one family of models wants its prompts.

    `model_types` are the values of `model_type` in a checkpoint's config that belong to it.
    """

    name: str
    model_types: tuple[str, ...] = ()
    # The files that hold the vocabulary, where there is no tokenizer.json.
    vocabulary: tuple[str, ...] = ()
    # Whether the tokenizer's own marks (a start of text, say) go around a prompt.
    marks = True

    def tokenizer(self, folder: str, **options: Any) -> PreTrainedTokenizerBase:
        """The tokenizer of a checkpoint folder; `options` are those of `from_pretrained`.

        Raises `LoadError` where the folder has no vocabulary; the library would make an empty one up.
        """
        from transformers import AutoTokenizer

        if not (Path(folder) / "tokenizer.json").is_file():
            missing = [name for name in self.vocabulary if not (Path(folder) / name).is_file()]
            if missing:
                raise LoadError(f"no vocabulary in this folder ({' and '.join(missing)} or tokenizer.json)")

        return AutoTokenizer.from_pretrained(folder, **options)

    def prepare(self, model: LoadedModel, prompt: str, settings: Settings) -> Prepared:
        """The prompt as the model gets it. An empty one becomes the start token; `PromptError` without one."""
        text = self.before(settings) + prompt
        ids = tuple(self.encode(model, text)) or (start_token(model, settings),)
        notes = (TRAILING_SPACE,) if prompt.endswith(" ") and prompt.strip() else ()
        return Prepared(text, ids, (*notes, *self.notes(model, prompt, ids, settings)))

    def check(self, model: LoadedModel, settings: Settings) -> None:
        """Raises `PromptError` where a text wants a setting that is not given."""

    def set_up(self, model: LoadedModel, settings: Settings) -> tuple[Note, ...]:
        """What is set in the model before a run, be its prompt text or ids; notes about it."""
        return ()

    @contextmanager
    def kept(self, model: LoadedModel) -> Iterator[None]:
        """Afterwards what `set_up` sets is as it was before: for what is computed beside a run."""
        yield

    def before(self, settings: Settings) -> str:
        """The text that goes before the prompt, for the model alone."""
        return settings.prefix

    def encode(self, model: LoadedModel, text: str) -> list[int]:
        """The ids of a text."""
        return list(model.tokenizer.encode(text, add_special_tokens=self.marks))

    def head(self, model: LoadedModel, ids: Sequence[int]) -> int:
        """How many ids at the beginning stay in the model's sight where the text behind them falls out of it.

        A start of text does: models look there when they have nothing else to look at, and fall apart without it
        (Xiao et al. 2023, attention sinks). A family adds what its texts are told by.
        """
        special = model.special_ids
        return sum(1 for _ in takewhile(special.__contains__, ids[:_MOST_MARKS]))

    def notes(self, model: LoadedModel, prompt: str, ids: tuple[int, ...], settings: Settings) -> tuple[Note, ...]:
        """What this prompt earns."""
        return ()

    def choices(self, model: LoadedModel) -> Choices | None:
        """The names that a prompt of this model can be told, to be chosen from; None where there are none."""
        return None


class CausalLM(Family):
    """The catch-all."""

    name = "auto"


def prefix_ignored(name: str, settings: Settings) -> tuple[Note, ...]:
    """For a family that takes its prompts as they are: a note where a prefix was asked for."""
    text = f"{name} takes the prompt as it is: the prefix is left out."
    return (Note("info", "prefix-ignored", text),) if settings.prefix else ()


def start_token(model: LoadedModel, settings: Settings) -> int:
    """What an empty prompt begins with. Raises `PromptError` where neither settings nor model know a token for it."""
    start = settings.bos_token_id
    if start is None:
        start = model.model.generation_config.bos_token_id
    if start is None:
        start = model.tokenizer.bos_token_id
    if start is None:
        raise PromptError(
            "the prompt is empty, and this model has no token to start from: type something, or give bos_token_id"
        )
    return int(start)
