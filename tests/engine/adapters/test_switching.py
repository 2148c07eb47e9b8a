"""Adapters switched in the middle of a run: what follows is as in a run that had the new ones from its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine import Controls, Settings
from engine.events import Adapted, Beams, Changed, Drafted, Event, Noted, Token
from engine.generation import generate
from engine.inspection import next_token
from engine.looking import look
from engine.measuring import measure
from engine.models.loaded import LoadedModel
from engine.scoring import score_text
from engine.strategies.assisted.choose import lend
from engine.twice import twice
from tests.adapters import lora, named, own
from tests.models import PROMPT, end, golden_model, ids, play, tiny_gpt2, tiny_mistral
from tests.paths import needs_golden

AT, LENGTH = 5, 12
STRATEGIES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "sample": {"top_p": 1.0, "seed": 3},
    "contrastive": {"top_k": 4},
    "dola": {"do_sample": False},
    "assisted": {"prompt_lookup_num_tokens": 3, "do_sample": False},
    "guided": {"strategy": "sample", "top_p": 1.0, "guidance_scale": 1.5, "seed": 4},
    "sliding": {"strategy": "greedy", "overflow": "slide", "context_window": 16, "max_new_tokens": 20},
}
BEAMS: dict[str, dict[str, Any]] = {
    "beam": {"num_return_sequences": 2},
    "diverse-beam": {"num_beam_groups": 2},
    "constrained-beam": {"force_words_ids": [[9]]},
}
TARGETS = {
    "gpt2": ["c_attn", "wte"],
    "llama": ["q_proj", "down_proj", "lm_head"],
    "openai-gpt": ["c_attn", "c_proj"],
    "ctrl": ["Wq", "dense"],
    "xlnet": ["layer_1", "layer_2"],
    "transfo-xl": ["qkv_net", "o_net"],
    "xlm": ["q_lin", "lin1"],
    "xlm-noncausal": ["q_lin", "lin1"],
}


class Subject:
    """A model with the adapters of before and those of after."""

    def __init__(self, model: LoadedModel, targets: list[str], folder: Path) -> None:
        self.model = model
        first, second = (lora(folder / name, model, targets, seed=seed) for seed, name in enumerate("ab"))
        self.old, self.new = named((first, 0.8)), named((second, 0.7), (first, -0.3))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(tiny_gpt2(), ["c_attn", "c_fc", "lm_head"], tmp_path_factory.mktemp("gpt2"))


def settings_of(name: str, **more: Any) -> Settings:
    return Settings(**{"strategy": name, "max_new_tokens": LENGTH, "eos_token_id": ()} | STRATEGIES[name] | more)


def switched(subject: Subject, settings: Settings, **more: Any) -> list[Event]:
    controls = Controls(schedule={AT: {"adapters": subject.new}})
    return play(subject.model.apart(), PROMPT, settings.changed(adapters=subject.old, **more), controls)


def logprobs(events: Sequence[Event], start: int = 0) -> list[float]:
    return list(end(events).sequences[0].logprobs[start:])


def check(subject: Subject, name: str) -> None:
    """The tokens and their probabilities, against a run whose first tokens were picked, and not written, so."""
    settings = settings_of(name)
    found = switched(subject, settings)
    written = ids(found)
    assert written != ids(play(subject.model.apart(), PROMPT, settings.changed(adapters=subject.old)))
    picks = Controls(picks=dict(enumerate(written[:AT])))
    wanted = play(subject.model.apart(), PROMPT, settings.changed(adapters=subject.new), picks)
    assert written[AT:] == ids(wanted)[AT:]
    assert logprobs(found, AT) == pytest.approx(logprobs(wanted, AT), abs=1e-3)


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_follows_is_the_new_adapters(gpt2: Subject, name: str) -> None:
    check(gpt2, name)


@pytest.mark.parametrize("name", ["greedy", "sample", "contrastive", "dola"])
def test_it_is_that_of_a_prefill_to_the_last_bit(gpt2: Subject, name: str) -> None:
    settings = settings_of(name)
    found = switched(gpt2, settings)
    text = [*PROMPT, *ids(found)[:AT]]
    more = settings.changed(adapters=gpt2.new, max_new_tokens=LENGTH - AT)
    wanted = play(gpt2.model.apart(), text, more, drawn=AT)
    assert (ids(found)[AT:], logprobs(found, AT)) == (ids(wanted), logprobs(wanted))


@needs_golden
@pytest.mark.parametrize("family", TARGETS)
def test_whatever_a_family_remembers_is_seen_anew(tmp_path: Path, family: str) -> None:
    subject = Subject(own(golden_model(family)), TARGETS[family], tmp_path)
    for name in ("sample", "contrastive", "assisted"):
        check(subject, name)


@pytest.mark.parametrize("name", BEAMS)
def test_beams_go_on_as_if_nothing_was_remembered(gpt2: Subject, name: str) -> None:
    settings = Settings(strategy=name, num_beams=4, max_new_tokens=LENGTH, eos_token_id=(), **BEAMS[name])
    found, wanted = switched(gpt2, settings), switched(gpt2, settings, use_cache=False)
    assert [s.token_ids for s in end(found).sequences] == [s.token_ids for s in end(wanted).sequences]
    for one, other in zip(end(found).sequences, end(wanted).sequences, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
    assert sum(isinstance(event, Beams) for event in found) == LENGTH
    kept = play(gpt2.model.apart(), PROMPT, settings.changed(adapters=gpt2.old))
    assert end(kept).sequences != end(found).sequences


def test_rows_and_caches_of_every_kind(gpt2: Subject, tmp_path: Path) -> None:
    settings = settings_of("sample", num_return_sequences=3)
    wanted = switched(gpt2, settings, use_cache=False)
    for more in ({}, {"cache_implementation": "static"}, {"prefill_chunk_size": 2}):
        found = switched(gpt2, settings, **more)
        assert [ids(found, row) for row in range(3)] == [ids(wanted, row) for row in range(3)]
    windowed = Subject(tiny_mistral(window=4), ["q_proj", "v_proj"], tmp_path)
    check(windowed, "greedy")
    check(windowed, "assisted")


def test_a_draft_of_the_model_s_own_weights_wears_what_it_wears(gpt2: Subject) -> None:
    """Were it otherwise, the greedy draft would say other tokens than the greedy model."""
    model = gpt2.model.apart()
    lend(model, "itself", model)
    controls = Controls(schedule={AT: {"adapters": gpt2.new}})
    settings = settings_of("assisted", prompt_lookup_num_tokens=None, assistant_model="itself")
    settings = settings.changed(adapters=gpt2.old, assistant_confidence_threshold=0.0, num_assistant_tokens=2)
    events = play(model, PROMPT, settings, controls)
    drafts = [event for event in events if isinstance(event, Drafted)]
    whole = [draft.accepted == len(draft.ids) for draft in drafts if not AT - 3 < draft.index < AT]
    assert all(whole) and len(whole) > 2
    assert ids(events) == ids(switched(gpt2, settings_of("greedy")))
    early = settings_of("assisted", prompt_lookup_num_tokens=None, assistant_early_exit=1)
    assert ids(switched(gpt2, early)) == ids(events)


def test_looks_between_two_tokens_change_nothing(gpt2: Subject) -> None:
    model, settings = gpt2.model.apart(), settings_of("dola").changed(adapters=gpt2.old)
    controls = Controls(schedule={AT: {"adapters": gpt2.new}})
    wanted = switched(gpt2, settings_of("dola"))
    written = ids(wanted)
    text = [*PROMPT, *written[:3]]
    found: list[Event] = []
    for event in generate(model, PROMPT, settings, controls):
        found.append(event)
        for adapters in ("", gpt2.new) if isinstance(event, Token) else ():
            other = settings.changed(adapters=adapters, strategy="greedy")
            seen, straight = (look(model, PROMPT, written[:3], other), next_token(gpt2.model, text, other).weighing)
            assert seen.stages[0].probabilities == pytest.approx(straight.stages[0].probabilities)
            list(measure(model, PROMPT, written[:4], other))
            score_text(model, "the old river", other)
    assert [e for e in found if isinstance(e, Token)] == [e for e in wanted if isinstance(e, Token)]


def test_the_library_s_own_loop_wears_them_too(gpt2: Subject) -> None:
    settings = Settings(strategy="greedy", max_new_tokens=LENGTH, eos_token_id=())
    bare = twice(gpt2.model, PROMPT, settings)
    found = twice(gpt2.model, PROMPT, settings.changed(adapters=gpt2.new))
    assert found.first_difference is None and found.library != bare.library
    assert twice(gpt2.model, PROMPT, settings).library == bare.library


def test_a_change_that_cannot_be_had_is_told_once_and_the_run_goes_on(gpt2: Subject) -> None:
    settings = settings_of("sample").changed(adapters=gpt2.old)
    bad = {"adapters": "no such adapter, here"}
    schedule = {3: bad, 6: {"temperature": 0.7}, 8: {"adapters": gpt2.new}, 10: bad}
    found = play(gpt2.model.apart(), PROMPT, settings, Controls(schedule=schedule))
    good = {6: {"temperature": 0.7}, 8: {"adapters": gpt2.new}}
    wanted = play(gpt2.model.apart(), PROMPT, settings, Controls(schedule=good))
    assert (ids(found), logprobs(found)) == (ids(wanted), logprobs(wanted))
    changes = [(event.at, event.name) for event in found if isinstance(event, Changed)]
    assert changes == [(6, "temperature"), (8, "adapters")]
    told = [event.note.text for event in found if isinstance(event, Noted) and event.note.code == "adapters-refused"]
    assert len(told) == 2 and all(text.startswith("adapter no such adapter: no such folder") for text in told)
    assert [event.at for event in found if isinstance(event, Adapted)] == [8]
