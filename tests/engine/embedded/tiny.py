"""A little text to train on, made up on the spot, and a recipe to match."""

from __future__ import annotations

from pathlib import Path

from engine.models.embedded.loop import Job, train
from engine.models.embedded.recipe import Recipe

TINY = Recipe(
    vocabulary=300,
    context=16,
    width=16,
    layers=1,
    heads=2,
    batch=2,
    piece_tokens=12,
    held_out_every=10,
    warmup_steps=2,
)
TINY_ARGUMENTS = [f"--set={name}={value}" for name, value in TINY.settings().items()]


def documents(count: int) -> list[str]:
    """Little stories of two paragraphs, each different."""
    animals, places = ("fox", "hen", "bear", "mouse", "owl"), ("wood", "barn", "river", "hill")
    return [
        f"Once there was a {animals[i % 5]} who lived by the {places[i % 4]} for {i} years.\n"
        f'"Good day," said the {animals[i % 3]}. Then it rained.'
        for i in range(count)
    ]


def write_folder(folder: Path, count: int = 40) -> Path:
    """A folder with one file, `tales.txt`, of so many documents."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tales.txt").write_text("\n\n".join(documents(count)) + "\n", encoding="utf-8")
    return folder


def trained(folder: Path, seed: int = 1, documents: int = 40) -> Path:
    """A folder with a tiny model that the script trained for two steps on the text in `folder/text`."""
    text = write_folder(folder / "text", documents)
    out = folder / f"seed {seed}"
    list(train(Job(text, out, steps=2), TINY.changed({"seed": str(seed)})))
    return out
