"""Forward passes and what they remember between one token and the next."""

from engine.runner.base import Runner
from engine.runner.cached import CachedRunner
from engine.runner.recompute import RecomputeRunner
from engine.runner.select import recomputing_runner, runner_for

__all__ = ["CachedRunner", "RecomputeRunner", "Runner", "recomputing_runner", "runner_for"]
