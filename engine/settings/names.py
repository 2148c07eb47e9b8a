"""The strategies by name, and the kinds of them that settings are about."""

from __future__ import annotations

STRATEGIES = (
    "greedy",
    "sample",
    "beam",
    "beam-sample",
    "diverse-beam",
    "contrastive",
    "dola",
    "assisted",
    "constrained-beam",  # the last, since it cannot be chosen before words are forced
)
BEAMS = ("beam", "beam-sample", "diverse-beam", "constrained-beam")
# Tokens are drawn, or can be.
DRAWING = ("sample", "beam-sample", "dola", "assisted")
# They give one sequence.
SINGLE = ("greedy", "contrastive", "assisted")
# Strategies that do the same work at each step, so that a running generation can change from one to the other.
LIVE_SWITCHES = (frozenset({"greedy", "sample"}), frozenset({"beam", "beam-sample"}))
FORMS = ("form_regex", "form_json_schema", "form_grammar")
