"""What the strategies with beams, and those that compare, go by."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings.declaration import declare
from engine.settings.names import BEAMS
from engine.settings.shapes import constraints, forced_words


@dataclass(frozen=True, kw_only=True)
class BeamSettings:
    """They act under the beam strategies; elsewhere they have no effect."""

    num_beams: int = declare(
        4,
        kind="int",
        upstream=1,
        low=1,
        high=64,
        span=(1, 16),
        under=BEAMS,
        live=False,
        label="beams",
        help="How many continuations a beam strategy follows at once.",
    )
    length_penalty: float = declare(
        1.0,
        kind="float",
        upstream=1.0,
        low=-100,
        high=100,
        span=(-5, 5),
        step=0.1,
        under=BEAMS,
        live=True,
        help="A beam's score is its log-probability over its length to this power: above 0 favours long ones.",
        paper="Wu et al. 2016",
    )
    early_stopping: str = declare(
        "false",
        kind="choice",
        choices=("false", "true", "never"),
        upstream="false",
        under=BEAMS,
        live=True,
        help="When a beam search ends: as soon as there are enough finished beams (true), when a better one is "
        "unlikely (false), or only when none can come (never).",
    )
    num_beam_groups: int = declare(
        2,
        kind="int",
        upstream=1,
        low=1,
        high=64,
        span=(1, 8),
        under=("diverse-beam",),
        live=False,
        label="beam groups",
        help="Diverse beams: how many groups the beams are divided into.",
        paper="Vijayakumar et al. 2018",
    )
    diversity_penalty: float = declare(
        0.5,
        kind="float",
        upstream=0.0,
        low=0,
        high=1000,
        span=(0, 5),
        step=0.1,
        under=("diverse-beam",),
        live=True,
        label="diversity",
        help="Diverse beams: taken off a token's log-probability for each beam of an earlier group that just said it.",
        paper="Vijayakumar et al. 2018",
    )
    force_words_ids: tuple[tuple[tuple[int, ...], ...], ...] | None = declare(
        None,
        kind="json",
        shape=forced_words,
        takes="a list of phrases, each a list of token ids or a list of such alternatives",
        can_be_off=True,
        under=("constrained-beam",),
        live=False,
        label="forced (ids)",
        help="Constrained beams: phrases that must come, as token ids; a list of phrases means any one of them.",
        paper="Post & Vilar 2018",
    )
    constraints: tuple[tuple[tuple[int, ...], ...], ...] | None = declare(
        None,
        kind="json",
        shape=constraints,
        takes="a list of phrases, each a list of token ids or a list of such alternatives",
        can_be_off=True,
        under=("constrained-beam",),
        live=False,
        help="Constrained beams: further phrases that must come, as older releases of the library name them.",
    )
