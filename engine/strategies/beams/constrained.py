"""Constrained beam search: beams are kept that bring the forced words further, beside those that are likeliest.

Beams are sorted into banks by how far they have come, and the banks take turns (Post & Vilar 2018; Hu et al. 2019).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import partial

import torch

from engine.events import Event
from engine.strategies.beams.beam import candidates
from engine.strategies.beams.constraints import Progress
from engine.strategies.beams.path import Node, Path
from engine.strategies.beams.search import Group, Search
from engine.strategies.run import Run


def constrained_beam(run: Run) -> Iterator[Event]:
    """One group; words that stand in the prompt count as said."""
    spelling = run.sampler.context.spelling
    words = run.settings.forced_phrases + tuple(map(spelling.word, run.settings.force_words))
    start = Progress.of(words).after_all(run.prompt_ids)

    group = Group.of(run.settings.num_beams, Path(None, 0.0, progress=start))
    return Search(run, [group], partial(candidates, run), keep=partial(_keep, run), loose=True).events()


def _keep(run: Run, scores: torch.Tensor, group: Group, going: list[tuple[int, Path]]) -> list[tuple[int, Path]]:
    """The best of each bank in turn, from those that were chosen and those that a forced word's token makes."""
    found = going + _forced(scores, group, going)
    if run.sampler.is_strict:  # what may not come comes not by force either
        found = [(row, path) for row, path in found if path.total > -math.inf]
    found.sort(key=lambda one: 100 * _bank(one[1]) + one[1].total, reverse=True)
    seen: Counter[int] = Counter()
    turns = []
    for row, path in found:
        turns.append((seen[_bank(path)], row, path))
        seen[_bank(path)] += 1
    turns.sort(key=lambda turn: turn[0])
    return [(row, path) for _, row, path in turns[: group.width]]


def _forced(scores: torch.Tensor, group: Group, going: list[tuple[int, Path]]) -> list[tuple[int, Path]]:
    """Each beam with each token that brings a forced word further, but for those that were chosen anyway."""
    # Beams that share their last node are the same text, as all are at the beginning.
    there = {(id(path.node.before), path.node.id) for _, path in going if path.node}
    found = []
    for row, path in enumerate(group.running):
        if path.progress is None or path.progress.complete:
            continue
        for token in path.progress.wanted():
            if (id(path.node), token) in there:
                continue
            there.add((id(path.node), token))
            logprob = float(scores[row, token])
            node = Node(path.node, token, logprob, depth=path.length + 1)
            found.append((row, Path(node, path.total + logprob, None, path.progress.after(token))))
    return found


def _bank(path: Path) -> int:
    return path.progress.bank if path.progress else 0
