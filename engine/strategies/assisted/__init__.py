"""Assisted decoding: what a cheap draft guesses right is seen by the model in one pass; one file a kind of draft."""

from engine.strategies.assisted.search import assisted

__all__ = ["assisted"]
