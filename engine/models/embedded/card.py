"""The model card: what the model is, what it learned from, how well, and how to make it again."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version

from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from engine.models.embedded.corpus import TextFile
from engine.models.embedded.recipe import Recipe

# What is known of a file of text by its name; a file with another name is listed without a source.
SOURCES = {
    "house-stories": "simple stories, fables and dialogues written by the project's own story grammar",
    "children-classics": "children's and adventure books, 1837-1922, in the public domain, from the "
    "Standard Ebooks editions (CC0 1.0)",
    "classic-fiction": "novels and stories, 1818-1929, in the public domain, from the Standard Ebooks "
    "editions (CC0 1.0)",
    "classic-novels": "Jane Austen's novels and Moby-Dick, in the public domain",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run knows about itself when it writes its card."""

    mix: tuple[tuple[str, float], ...]
    steps_asked: int | None
    minutes_asked: float | None
    compiled: bool
    place: str
    """The device, as people call it."""
    files: Sequence[TextFile]
    shares: Mapping[str, float]
    """Of each file in the training windows."""
    steps: int
    seconds: float
    held_out: Mapping[str, float]
    """Nats a token, by file."""
    final: bool


def write(facts: Facts, recipe: Recipe, model: GPT2LMHeadModel, tokenizer: Tokenizer) -> str:
    """The card as Markdown, without what `measured_card` adds once the model is measured."""
    tokens = facts.steps * recipe.tokens_per_step
    size = model.num_parameters()
    parts = [
        _FRONT,
        "# A very small story model\n",
        f"A GPT-2 of {size / 1e6:.2f} million parameters ({recipe.layers} layers, width {recipe.width}, "
        f"{recipe.heads} heads, context {recipe.context}, {tokenizer.get_vocab_size()} tokens of byte-level "
        f"BPE, tied embeddings), {2 * size / 1e6:.1f} MB in half precision. Trained from nothing on the text "
        f"below: {facts.steps:,} steps, {tokens / 1e6:.1f} million tokens, {facts.seconds / 60:.0f} minutes "
        f"on {facts.place}.\n",
    ]
    if not facts.final:
        parts.append("**This is an early model, written while training went on.**\n")
    if set(facts.shares) <= set(SOURCES):
        parts.append(f"## {LIMITS_TITLE}\n\n{LIMITS}")
    parts += [_USE, _data(facts), _recipe(recipe), _again(facts, recipe)]
    return "\n".join(parts)


_FRONT = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---
"""

LIMITS_TITLE = "What it is for, and what not"
LIMITS = """It is something to play with: it starts at once, needs no download and shows what a language model
does, token by token. It has learned the manner of simple stories, of children's books and of old
novels, and nothing else: it makes up all that it says, follows no instructions, does not converse
and does no arithmetic, and over more than a few sentences it loses its thread. Its older sources
were passed through a blunt word filter, but their views are of their time, and some of that may
show. Plain ASCII works best: it has seen straight quotes and `--`, and no other alphabets or code.
"""
TEXT_TITLE = "Text and held-out loss"

_USE = """## Use

`<|endoftext|>` (id 0) stood before every text in training, and the tokenizer puts it before a
prompt, too. On a processor load the weights as float32 or bfloat16; half precision is only for
storage.
"""


def _data(facts: Facts) -> str:
    rows = [
        f"## {TEXT_TITLE}\n",
        "The loss is on documents kept from training, in nats a token; *share* is of the training windows.\n",
        "| text | share | held-out loss | perplexity | what |",
        "| --- | --- | --- | --- | --- |",
    ]
    for file in facts.files:
        loss = facts.held_out[file.name]
        measured = "- | -" if math.isnan(loss) else f"{loss:.3f} | {math.exp(loss):.1f}"
        what = SOURCES.get(file.name, "")
        rows.append(f"| {file.name} | {facts.shares[file.name]:.0%} | {measured} | {what} |")
    rows.append("\nSHA-256 of the unpacked files:\n")
    rows += [f"    {file.sha256}  {file.name}.txt" for file in facts.files]
    return "\n".join(rows) + "\n"


def _recipe(recipe: Recipe) -> str:
    rows = [
        "## Recipe\n",
        "GPT-2: Radford et al. 2019. Byte-level BPE: Sennrich et al. 2016, Radford et al. 2019. Hidden",
        "matrices by Muon (Jordan et al. 2024), the rest by AdamW (Loshchilov and Hutter 2019). The rate",
        "warms up, stays flat, then falls along a cosine. Long documents are cut at paragraph ends into",
        "shuffled pieces; windows are drawn at random, with replacement.\n",
        "| hyper-parameter | value |",
        "| --- | --- |",
        *(f"| {field.name} | {getattr(recipe, field.name)} |" for field in fields(recipe)),
    ]
    return "\n".join(rows) + "\n"


def _again(facts: Facts, recipe: Recipe) -> str:
    length = f"--minutes {facts.minutes_asked:g}" if facts.minutes_asked else f"--steps {facts.steps_asked}"
    command = [
        "python -m engine.models.embedded.train --text TEXTS --out MODEL",
        length + (" --compile" if facts.compiled else ""),
        *(f"--set {name}={value}" for name, value in recipe.settings().items()),
        *(f"--mix {name}={share:g}" for name, share in facts.mix),
    ]
    clock = (
        f"A run by the clock gets as far as its machine takes it, here to step {facts.steps}. With "
        f"`--steps {facts.steps}` in place of the minutes the rates follow the steps instead: nearly the "
        "same run, and one that repeats exactly on the same processor and versions.\n"
        if facts.minutes_asked
        else "The run repeats exactly on the same processor and versions.\n"
    )
    packages = ("torch", "transformers", "tokenizers", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        "## To make it again\n\n    "
        + " \\\n        ".join(command)
        + f"\n\n{clock}\nPython {platform.python_version()}, {versions}.\n"
    )
