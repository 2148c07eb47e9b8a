"""Word filters: which tokens may come where only words of certain letters, lengths, patterns or lists may."""

from engine.sampling.filters.word_filter import Filtering, WordFilter

__all__ = ["Filtering", "WordFilter"]
