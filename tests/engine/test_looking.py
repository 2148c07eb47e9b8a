"""A step looked into afterwards has the numbers that its run had, and no run notices."""

from __future__ import annotations

import pytest

import engine
from engine import Controls
from engine.events import Looked, Prepared, Token
from engine.looking import look
from engine.models.loaded import LoadedModel
from engine.settings import Settings
from engine.weighing import Weighing
from tests.models import PROMPT, SAMPLED, ids, play, tiny_gpt2, tiny_mistral

BASE = SAMPLED.changed(eos_token_id=(), temperature=0.8, top_k=20, repetition_penalty=1.3, max_new_tokens=12)
WAYS: dict[str, Settings] = {
    "sample": BASE,
    "guided": BASE.changed(guidance_scale=1.7),
    "against a negative prompt": BASE.changed(guidance_scale=1.7, negative_prompt_ids=(9, 8, 7)),
    "dola": BASE.changed(strategy="dola"),
    "guided dola": BASE.changed(strategy="dola", guidance_scale=1.7),
    "by what the prompt was": BASE.changed(
        encoder_repetition_penalty=1.5, begin_suppress_tokens=(5,), min_new_tokens=4
    ),
    "contrastive": BASE.changed(strategy="contrastive"),
    "filtered": BASE.changed(forbid_letters="e", max_word_length=6),
    "marked": BASE.changed(watermarking_config={"ngram_len": 3, "keys": [3, 5, 8], "context_history_size": 4}),
    "in a form": BASE.changed(form_regex="[a-zA-Z ]{200,}"),
    "sliding": BASE.changed(overflow="slide", context_window=16, max_new_tokens=24),
}


def same(one: Weighing, other: Weighing) -> None:
    assert one.chosen == other.chosen and [s.name for s in one.stages] == [s.name for s in other.stages]
    where = {token: place for place, token in enumerate(other.ids)}
    for a, b in zip(one.stages, other.stages, strict=True):
        assert a.entropy == pytest.approx(b.entropy, abs=1e-3) and a.probability == pytest.approx(
            b.probability, abs=1e-4
        )
        assert (a.left, a.rank) == (b.left, b.rank)
        for place, token in enumerate(one.ids):
            if token in where:  # the last of the table may be another where two are as likely
                assert a.probabilities[place] == pytest.approx(b.probabilities[where[token]], abs=1e-4)


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("make", [tiny_gpt2, tiny_mistral], ids=["gpt2", "mistral"])
def test_a_step_is_what_its_run_weighed(make: object, settings: Settings) -> None:
    model: LoadedModel = make()  # type: ignore[operator]
    controls = Controls()
    controls.looking = 0
    live: list[Weighing] = []
    written: list[int] = []
    for event in engine.generate(model, PROMPT, settings, controls):
        if isinstance(event, Looked):
            live.append(event.weighing)
            controls.looking = 0
        elif isinstance(event, Token):
            written.append(event.id)
    assert len(live) == settings.max_new_tokens
    for index in (0, 7, 3, len(written) - 1):
        same(look(model, PROMPT, written[:index], settings, chosen=written[index]), live[index])
    assert ids(play(model, PROMPT, settings)) == written


@pytest.mark.parametrize("way", ["greedy", "sample"])
def test_a_healed_step_is_looked_into_from_what_its_run_began_from(way: str) -> None:
    """The ids alone lack the tail that the first tokens have to say again."""
    model = engine.load(None, device="cpu")
    settings = Settings(strategy=way, seed=3, max_new_tokens=6, token_healing=True)
    controls, ready, live, written = Controls(), None, [], []
    controls.looking = 0
    for event in engine.generate(model, "The old keeper of the li", settings, controls):
        if isinstance(event, Prepared):
            ready = event
        elif isinstance(event, Looked):
            live.append(event.weighing)
            controls.looking = 0
        elif isinstance(event, Token):
            written.append(event.id)
    assert ready is not None and ready.tail is not None and len(live) == len(written) == 6
    assert any(stage.name == "token_healing" for stage in live[0].stages)
    for index in (3, 0, 1):
        same(look(model, ready, written[:index], settings, chosen=written[index]), live[index])


def test_a_form_that_began_in_the_middle_is_looked_into_from_there() -> None:
    model = tiny_gpt2()
    controls, live, written = Controls(schedule={4: {"form_regex": "[a-zA-Z ]{200,}"}}), [], []
    controls.looking = 0
    for event in engine.generate(model, PROMPT, BASE, controls):
        if isinstance(event, Looked):
            live.append(event.weighing)
            controls.looking = 0
        elif isinstance(event, Token):
            written.append(event.id)
    formed = BASE.changed(form_regex="[a-zA-Z ]{200,}")
    for index in (2, 4, 9):
        settings, at = (formed, 4) if index >= 4 else (BASE, 0)
        same(look(model, PROMPT, written[:index], settings, chosen=written[index], form_at=at), live[index])
    assert live[9].stages[-1].left < live[2].stages[0].left


def test_looking_leaves_a_run_under_way_alone() -> None:
    model = tiny_gpt2()
    alone = play(model, PROMPT, BASE)
    model.runner.reset()
    looked_at = []
    for event in engine.generate(model, PROMPT, BASE):
        looked_at.append(event)
        if isinstance(event, Token):
            look(model, [7, 8, 9], [event.id], BASE.changed(temperature=2.0))
    tokens = [[(e.id, e.logprob) for e in events if isinstance(e, Token)] for events in (alone, looked_at)]
    assert tokens[0] == tokens[1]
