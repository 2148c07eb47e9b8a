"""Diverse beam search (Vijayakumar et al. 2018): groups of beams, each kept from saying what those before it say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from engine.events import Event
from engine.strategies.beams.beam import candidates
from engine.strategies.beams.path import Path
from engine.strategies.beams.search import Group, Search
from engine.strategies.run import Run


def diverse_beam(run: Run) -> Iterator[Event]:
    """`num_beam_groups` groups share `num_beams` evenly; the Hamming penalty is a stage of the sampler."""

    count = run.settings.num_beam_groups
    groups = [Group.of(run.settings.num_beams // count, Path(None, 0.0)) for _ in range(count)]
    return Search(run, groups, partial(candidates, run), loose=True).events()
