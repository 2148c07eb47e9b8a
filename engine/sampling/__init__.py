"""From logits to a token: settings to logits processors, stage by stage, and the draw."""

from engine.sampling.random_streams import RandomStreams
from engine.sampling.sampler import Sampler

__all__ = ["RandomStreams", "Sampler"]
