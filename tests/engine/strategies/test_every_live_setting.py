"""Every live setting, under every strategy: the next token obeys it just as if it had been so from the beginning."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from engine import Controls, Settings
from engine.events import Beams, Changed, Event, Token
from engine.settings import PARAMETERS
from engine.settings.filters import FILTERS
from tests.models import PROMPT, end, play, tiny_gpt2

MODEL = tiny_gpt2(n_layer=5, n_positions=48)
AT = 4
GIVEN = PROMPT * 3
# Up to the change the tokens are forced, so that what acts from the beginning has changed none of them; lookup drafts
# them, and more, so that under assisted decoding the change comes in the middle of a draft.
FORCED = tuple((len(GIVEN) + place, PROMPT[place]) for place in range(AT))
EVEN = tuple(n for n in range(0, 300, 2) if n not in PROMPT)
STRATEGIES: dict[str, dict[str, Any]] = {
    "sample": {},
    "contrastive": {"top_k": 6},
    "dola": {},
    "assisted": {"prompt_lookup_num_tokens": 9},
    "beam": {},
    "diverse-beam": {},
    "constrained-beam": {"force_words_ids": [[9]]},
}
CHANGES: dict[str, Any] = {
    "temperature": 0.3,
    "top_k": 2,
    "top_p": 0.3,
    "min_p": 0.5,
    "typical_p": 0.2,
    "epsilon_cutoff": 0.02,
    "eta_cutoff": 0.3,
    "top_h": 0.2,
    "remove_invalid_values": True,
    "renormalize_logits": True,
    "repetition_penalty": 3.0,
    "no_repeat_ngram_size": 1,
    "encoder_repetition_penalty": 3.0,
    "encoder_no_repeat_ngram_size": 1,
    "max_new_tokens": 6,
    "max_length": len(GIVEN) + 6,
    "min_new_tokens": 9,
    "min_length": len(GIVEN) + 9,
    "exponential_decay_length_penalty": (1, 40.0),
    "max_time": 1e-9,
    "stop_token": MODEL.piece(44),
    "stop_strings": ("no such text", MODEL.piece(44)),
    "eos_token_id": EVEN,
    "context_window": 16,
    "overflow": "stop",
    "bad_words": ("e", "=t"),
    "suppress_words": ("e", "=t"),
    "word_bias": (("=the", 60.0),),
    "bad_words_ids": tuple((n,) for n in EVEN),
    "sequence_bias": tuple(((PROMPT[AT - 1], n), -60.0) for n in EVEN),
    "suppress_tokens": EVEN,
    "begin_suppress_tokens": (1,),
    "forced_eos_token_id": (17,),
    "forced_decoder_ids": (*FORCED, (len(GIVEN) + AT, 23), (len(GIVEN) + AT + 1, 24)),
    "guidance_scale": 3.0,
    "watermarking_config": "on",
    "alternatives": 3,
    "length_penalty": -2.0,
    "early_stopping": "never",
    "diversity_penalty": 9.0,
    "do_sample": False,
    "penalty_alpha": 0.1,
    "dola_layers": "low",
    "low_memory": True,
    "prompt_lookup_num_tokens": 2,
    "max_matching_ngram_size": 1,
}
# Settings beside which a change can be seen.
BESIDE: dict[str, dict[str, Any]] = {
    "min_new_tokens": {"eos_token_id": EVEN},
    "min_length": {"eos_token_id": EVEN},
    "exponential_decay_length_penalty": {"eos_token_id": EVEN},
    "bad_words": {"word_bias": (("=t", 60.0),)},
    "suppress_words": {"word_bias": (("=t", 60.0),)},
    "stop_token": {"forced_decoder_ids": (*FORCED, (len(GIVEN) + AT, 44))},
    "stop_strings": {"forced_decoder_ids": (*FORCED, (len(GIVEN) + AT, 44))},
    "encoder_no_repeat_ngram_size": {"sequence_bias": (((PROMPT[-1],), 60.0),)},
    "overflow": {"overflow": "slide", "context_window": 24},
    "context_window": {"overflow": "slide", "context_window": 24},
    "dola_layers": {"dola_layers": (3,)},
    # Only scores that are no log-probabilities are others by it, as those after a penalty in a beam.
    "renormalize_logits": {"repetition_penalty": 1.5},
}
# They change how a text is come by, or what is told or written of it at other times, and nothing here.
UNSEEN = {"remove_invalid_values", "low_memory", "begin_suppress_tokens", "early_stopping"}
UNSEEN |= {"prompt_lookup_num_tokens", "max_matching_ngram_size"}
UNSEEN_UNDER = {name: {"renormalize_logits"} for name in ("sample", "contrastive", "dola", "assisted")}
UNSEEN_UNDER["dola"] |= {"word_bias"}  # it makes none come that the last layer does not find plausible
UNSEEN_UNDER |= {"constrained-beam": {"min_new_tokens", "min_length"}}  # none ends before it has its word anyway
# Another way of working, or other weights (tests of their own); what only a draft by a model knows; a form counts from
# where it is set.
ELSEWHERE = {
    "strategy",
    "adapters",
    "form_regex",
    "form_json_schema",
    "form_grammar",
    "generation_kwargs",
    *FILTERS,
} | {
    name
    for name in PARAMETERS
    if name.startswith("num_assistant") or name.endswith(("_lookbehind", "_threshold", "_ensemble_weight"))
}


def told(events: list[Event]) -> list[Any]:
    """All that there is to see from the changed token on, numbers rounded; beams as wholes, whatever is settled."""
    last = end(events).sequences[0]
    steps = [event for event in events if isinstance(event, Beams) and event.index >= AT]
    found: list[Any] = [
        (step.index, last.token_ids[: step.settled] + beam.ids, round(beam.score, 3))
        for step in steps
        for beam in (*step.running, *step.finished)
        if beam.score > -inf
    ]
    tokens = [event for event in events if isinstance(event, Token) and event.index >= AT]
    found += [(token.index, token.id, round(token.logprob, 3), len(token.alternatives)) for token in tokens]
    return [*found, last.text, last.finish_reason, round(last.score or 0, 3)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_next_token_obeys(strategy: str) -> None:
    given = {"top_p": 1.0, "max_new_tokens": 10, "dola_layers": (1, 3), "forced_decoder_ids": FORCED}
    plain = Settings(strategy=strategy, **given | STRATEGIES[strategy])
    for name, value in CHANGES.items():
        under = PARAMETERS[name].under
        if under and strategy not in under:
            continue
        base = plain.changed(**BESIDE.get(name, {}))
        late = play(MODEL, GIVEN, base, Controls(schedule={AT: {name: value}}))
        assert [event.at for event in late if isinstance(event, Changed)] == [AT], name
        unchanged, early = told(play(MODEL, GIVEN, base)), base.changed(**{name: value})
        if name == "max_time":  # from the beginning it would leave no time for the forced tokens
            assert end(late).sequences[0].finish_reason == "time" and len(end(late).sequences[0].token_ids) == AT + 1
        else:
            assert told(late) == told(play(MODEL, GIVEN, early)), name
        assert (told(late) == unchanged) == (name in UNSEEN | UNSEEN_UNDER.get(strategy, set())), name


def test_none_is_left_out() -> None:
    assert {name for name, parameter in PARAMETERS.items() if parameter.live} == CHANGES.keys() | ELSEWHERE
