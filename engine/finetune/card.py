"""What goes with a tuned model: a card for people, and the same facts for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.errors import FileError
from engine.finetune.events import Compared, Curve
from engine.finetune.plan import CLIP, LORA_ALPHA_PER_RANK, LORA_DROPOUT, Plan
from engine.finetune.text import Text
from engine.finetune.writing import TEMPERATURE
from engine.safe_text import safe_block, safe_text
from engine.text_files import read_text

CARD = "README.md"
FACTS = "finetune.json"
_LIBRARIES = ("torch", "transformers", "peft")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run at its end. Losses are of the held-out blocks, in nats a token."""

    base: str
    base_folder: Path
    base_sums: dict[str, str]
    text: Text
    tokens: int
    blocks: int
    held_out: int
    parameters: int
    trainable: int
    plan: Plan
    step: int
    done: int
    base_loss: float
    loss: float
    losses: Curve
    held_out_losses: Curve
    compared: Sequence[Compared]

    def plain(self) -> dict[str, Any]:
        """The facts as JSON takes them."""
        return {
            "base": {"name": self.base, **self.base_sums},
            "text": {"name": self.text.path.name, "sha256": self.text.sha256, "tokens": self.tokens},
            "settings": self.plan.plain(),
            "step": self.step,
            "done": self.done,
            "base_loss": self.base_loss,
            "held_out_loss": self.loss,
            "losses": self.losses,
            "held_out_losses": self.held_out_losses,
            "versions": _versions(self.plan.lora),
        }


def write(folder: Path, facts: Facts) -> None:
    """Put card and facts into the result's folder. Raises `OSError`."""
    (folder / CARD).write_text(card(facts), encoding="utf-8")
    (folder / FACTS).write_text(json.dumps(facts.plain(), indent=1) + "\n", encoding="utf-8")


def card(facts: Facts) -> str:
    """The card as Markdown. What comes from names and models is made safe, and cannot be Markdown of its own."""
    plan, text = facts.plan, facts.text
    what = f"A LoRA (rank {plan.rank}) for {_code(facts.base)}" if plan.lora else f"{_code(facts.base)}, fine-tuned"
    share = f"{facts.trainable:,} of {facts.parameters:,} parameters learned"
    settings = [
        ("learning rate", f"{plan.learning_rate:g}, AdamW, warm-up over {plan.warmup_steps} steps, then linear to 0"),
        ("steps", f"{facts.done:,} of {plan.steps:,}; the weights are those of step {facts.step:,}, the best"),
        ("epochs asked for", f"{plan.epochs:g}"),
        ("batch", f"{plan.batch_size} blocks of {plan.block_size} tokens"),
        ("gradients clipped to", f"{CLIP:g}"),
        ("precision", plan.precision),
        ("seed", str(plan.seed)),
        *([("LoRA", f"alpha {LORA_ALPHA_PER_RANK * plan.rank}, dropout {LORA_DROPOUT}")] if plan.lora else []),
        *([("before each block", _code(plan.start))] if plan.start else []),
    ]
    losses = dict(facts.held_out_losses)
    rows = [(0, facts.base_loss), *((step, losses[step]) for step in sorted(losses))]
    return "\n".join(
        [
            *_front(facts),
            f"# {_plain(text.path.stem)}, by {_plain(facts.base)}\n",
            f"{what} on {_code(text.path.name)} by textgen-tui; {share}.",
            "What it writes leans towards that text, and may repeat passages of it word for word. The base model's",
            "limits and terms hold for it too.\n",
            "## Text\n",
            f"{_code(text.path.name)}: {facts.tokens:,} tokens in {facts.blocks + facts.held_out:,} blocks, of which "
            f"{facts.held_out:,} were held out.\n",
            f"    SHA-256 {text.sha256}\n",
            "## Held-out loss\n",
            f"In nats a token: {facts.base_loss:.3f} before, {facts.loss:.3f} after.\n",
            "| step | loss |",
            "| --- | --- |",
            *(f"| {step} | {loss:.3f} |" for step, loss in rows),
            "\n## Settings\n",
            "| setting | value |",
            "| --- | --- |",
            *(f"| {name} | {value} |" for name, value in settings),
            f"\nMade with {', '.join(f'{name} {number}' for name, number in _versions(plan.lora).items())}.\n",
            *_samples(facts.compared, plan.seed),
        ]
    )


def _front(facts: Facts) -> list[str]:
    library = "peft" if facts.plan.lora else "transformers"
    licence = licence_of(facts.base_folder)
    return [
        "---",
        *([f"license: {licence}"] if licence else []),
        f"base_model: {json.dumps(facts.base, ensure_ascii=False)}",
        f"library_name: {library}",
        "pipeline_tag: text-generation",
        "---\n",
    ]


def licence_of(folder: Path) -> str:
    """What a checkpoint's card says is its licence; empty where it says nothing."""
    try:
        text = read_text(folder / CARD) if folder.is_dir() else ""
    except FileError:
        return ""
    front = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    said = re.search(r"^license:[ \t]*['\"]?([\w.+-]+)", front[1], re.MULTILINE) if front else None
    return said[1] if said else ""


def _samples(compared: Sequence[Compared], seed: int) -> list[str]:
    lines = [
        f"## Base and tuned\n\nThe same openings, temperature {TEMPERATURE}, seed {seed}, first tries, unedited.\n"
    ]
    for sample in compared:
        for name, text in (("base", sample.base), ("tuned", sample.tuned)):
            quoted = _plain(safe_block(sample.prompt + text)).replace("\n", "\n> ")
            lines.append(f"{name}:\n\n> {quoted}\n")
    return lines if compared else []


def _versions(lora: bool) -> dict[str, str]:
    return {name: version(name) for name in ("textgen-tui", *_LIBRARIES) if lora or name != "peft"}


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_<>#\[\]|~])", r"\\\1", safe_block(text))


def _code(text: str) -> str:
    return f"`{safe_text(text).replace('`', '´')}`"
