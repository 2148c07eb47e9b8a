"""Strategies that follow several continuations at once and keep the best."""

from engine.strategies.beams.beam import beam
from engine.strategies.beams.constrained import constrained_beam
from engine.strategies.beams.diverse import diverse_beam

__all__ = ["beam", "constrained_beam", "diverse_beam"]
