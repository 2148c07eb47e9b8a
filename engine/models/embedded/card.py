"""The model card: what the model is, what it learned from, how well, and how to make it again."""

from __future__ import annotations

import math
from dataclasses import fields

from engine.models.embedded.history import History, steps
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


def write(history: History, parameters: int, vocabulary: int) -> str:
    """The card as Markdown, without what `measured_card` adds once the model is measured."""
    last = history[-1]
    recipe = last.recipe
    parts = [
        _FRONT,
        "# A very small story model\n",
        f"A GPT-2 of {parameters / 1e6:.2f} million parameters ({recipe.layers} layers, width {recipe.width}, "
        f"{recipe.heads} heads, context {recipe.context}, {vocabulary} tokens of byte-level BPE, tied "
        f"embeddings), {2 * parameters / 1e6:.1f} MB in half precision. Trained from nothing on the text below: "
        f"{_length(history)}.\n",
    ]
    if not last.final:
        parts.append("**This is an early model, written while training went on.**\n")
    if set(last.shares) <= set(SOURCES):
        parts.append(f"## {LIMITS_TITLE}\n\n{LIMITS}")
    parts += [_USE, _data(history), _recipe(history), _again(history)]
    return "\n".join(parts)


def _length(history: History) -> str:
    tokens = sum(each.tokens for each in history)
    places = ", then on ".join(dict.fromkeys(each.place for each in history))
    runs = f"{len(history)} runs, " if len(history) > 1 else ""
    minutes = sum(each.seconds for each in history) / 60
    return f"{runs}{steps(history):,} steps, {tokens / 1e6:.1f} million tokens, {minutes:.0f} minutes on {places}"


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


def _data(history: History) -> str:
    several = len(history) > 1
    last = history[-1]
    rows = [
        f"## {TEXT_TITLE}\n",
        "The loss is on documents kept from training, in nats a token; *share* is of the training windows"
        f"{', run by run' if several else ''}.\n",
        "| text | share | held-out loss | perplexity | what |",
        "| --- | --- | --- | --- | --- |",
    ]
    texts = {name: sum_ for each in history for name, sum_ in each.texts.items()}
    for name in sorted(texts):
        loss = last.held_out.get(name)
        measured = "- | -" if loss is None else f"{loss:.3f} | {math.exp(loss):.1f}"
        shares = ", ".join(f"{each.shares.get(name, 0):.0%}" for each in history)
        rows.append(f"| {name} | {shares} | {measured} | {SOURCES.get(name, '')} |")
    rows.append("\nSHA-256 of the unpacked files:\n")
    rows += [f"    {texts[name]}  {name}.txt" for name in sorted(texts)]
    return "\n".join(rows) + "\n"


def _recipe(history: History) -> str:
    rows = [
        "## Recipe\n",
        "GPT-2: Radford et al. 2019. Byte-level BPE: Sennrich et al. 2016, Radford et al. 2019. Hidden",
        "matrices by Muon (Jordan et al. 2024), the rest by AdamW (Loshchilov and Hutter 2019). The rate",
        "warms up, stays flat, then falls along a cosine. Long documents are cut at paragraph ends into",
        "shuffled pieces; windows are drawn at random, with replacement." + _loops(history) + "\n",
        f"| hyper-parameter | {' | '.join(_names(history))} |",
        "| --- |" + " --- |" * len(history),
    ]
    for field in fields(Recipe):
        values = " | ".join(str(getattr(each.recipe, field.name)) for each in history)
        rows.append(f"| {field.name} | {values} |")
    return "\n".join(rows) + "\n"


def _names(history: History) -> list[str]:
    return [f"run {number}" for number in range(1, len(history) + 1)] if len(history) > 1 else ["value"]


def _loops(history: History) -> str:
    if not any(each.recipe.loop_windows for each in history):
        return ""
    return " Against going in circles\nit was shown phrases said over and over: DITTO (Xu et al. 2022)."


def _again(history: History) -> str:
    parts = ["## To make it again\n"]
    for number, each in enumerate(history, start=1):
        before = history[number - 2] if number > 1 else None
        out = "MODEL" if number == len(history) else f"RUN{number}"
        length = f"--minutes {each.minutes_asked:g}" if each.minutes_asked else f"--steps {each.steps_asked}"
        command = [
            f"python -m engine.models.embedded.train --text TEXTS --out {out}",
            length + (" --compile" if each.compiled else "") + (f" --from RUN{number - 1}" if before else ""),
            *(f"--set {n}={value}" for n, value in each.recipe.settings(before.recipe if before else None).items()),
            *(f"--mix {n}={share:g}" for n, share in each.mix.items()),
        ]
        told = ", ".join(f"{name} {value}" for name, value in each.versions.items())
        parts.append("    " + " \\\n        ".join(command) + f"\n\n{each.steps:,} steps on {each.place}; {told}.\n")
    parts.append(_CLOCK if any(each.minutes_asked for each in history) else _STEPS)
    return "\n".join(parts)


_STEPS = "The same steps give the same weights on the same processor and versions.\n"
_CLOCK = """A run by the clock gets as far as its machine takes it. With `--steps` and the figure above in place
of the minutes the rates follow the steps instead: nearly the same run, and one that repeats exactly
on the same processor and versions.
"""
