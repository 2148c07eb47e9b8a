"""Any settings that are taken make a run that ends as runs end; any that are not are refused in one line."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import SettingError, Settings
from engine.events import Failed, Finished
from engine.settings import PARAMETERS
from engine.settings.names import STRATEGIES
from engine.settings.parameter import Parameter
from tests.models import PROMPT, play, tiny_gpt2

IDS = st.lists(st.integers(0, 299), min_size=1, max_size=3)
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "sequence_bias": st.lists(st.tuples(IDS, st.floats(-9, 9)), min_size=1, max_size=2),
    "forced_decoder_ids": st.lists(st.tuples(st.integers(0, 12), st.integers(0, 299)), min_size=1, max_size=2),
    "exponential_decay_length_penalty": st.tuples(st.integers(0, 4), st.floats(0.1, 3)),
    "dola_layers": st.sampled_from(["low", "high", [0], [1], [0, 1], [7]]),
    "assistant_model": st.sampled_from(["", "./nowhere"]),
    # So that a run is short, whatever else is chosen.
    "max_new_tokens": st.integers(0, 4),
    "num_beams": st.integers(1, 6),
    "num_return_sequences": st.integers(1, 3),
    "max_length": st.integers(1, 12),
}


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """What its declaration takes, the bounds among them, and now and then what it does not."""
    if parameter.name in SHAPES:
        return SHAPES[parameter.name]
    match parameter.kind:
        case "int":
            low, high = int(max(parameter.low, -2)), int(min(parameter.high, 400))
            return st.one_of(st.integers(low, min(high, low + 8)), st.sampled_from([low, high, -7]))
        case "float":
            low, high = max(parameter.low, -3.0), min(parameter.high, 5.0)
            return st.one_of(st.floats(low, high), st.sampled_from([low, high, 0.0, float("nan")]))
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(parameter.choices)
        case "ids":
            return IDS
        case "text":
            return st.sampled_from(["", "the", "�", "x\ny"])
        case "texts":
            return st.lists(st.sampled_from(["t", "the", "é"]), max_size=2)
        case "json":
            return st.lists(IDS, min_size=1, max_size=2)


ANY = st.sampled_from(STRATEGIES).flatmap(
    lambda strategy: st.fixed_dictionaries(
        {"strategy": st.just(strategy), "max_new_tokens": st.integers(0, 4)},
        optional={n: values(p) for n, p in PARAMETERS.items() if n not in ("strategy", "max_new_tokens", "max_time")},
    )
)


MODEL = tiny_gpt2()


@given(ANY)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_run_ends_or_is_refused(names: dict[str, Any]) -> None:
    try:
        chosen = Settings(**names)
    except SettingError as error:
        assert str(error) and "\n" not in str(error)
        return
    last = play(MODEL, PROMPT, chosen)[-1]
    assert isinstance(last, Finished | Failed)
    if isinstance(last, Failed):
        assert last.error and "\n" not in last.error
        # A failure is one that we know of, told in words, and not an exception by its name.
        assert "Error:" not in last.error, last.error
    assert all(len(sequence.token_ids) <= chosen.max_new_tokens for sequence in last.sequences)
