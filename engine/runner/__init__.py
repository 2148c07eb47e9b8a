"""Forward passes and what they remember between one token and the next."""

from engine.runner.base import Runner
from engine.runner.cached import CachedRunner
from engine.runner.recompute import RecomputeRunner
from engine.runner.select import runner_for

__all__ = ["CachedRunner", "RecomputeRunner", "Runner", "runner_for"]
