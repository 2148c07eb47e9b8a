"""Contrastive search, assisted decoding and DoLa on texts that outgrow the window: from nothing, at every length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

from engine import Controls, Settings
from engine.events import Compared, Drafted
from engine.models.loaded import LoadedModel
from engine.runner import runner_for
from engine.window import Window
from tests.engine.test_sliding import LIMITED, SAMPLED, START, UNLIMITED, forgot, model
from tests.models import counted, end, ids, play, saved, tiny_gpt2, tiny_mistral, xlnet_pass

SIZE = 16
SLIDE = Settings(strategy="greedy", overflow="slide", context_window=SIZE, eos_token_id=(), max_new_tokens=40)
CONTRASTIVE = SLIDE.changed(strategy="contrastive", top_k=4, penalty_alpha=0.6)
ASSISTED = SLIDE.changed(strategy="assisted", do_sample=False, max_matching_ngram_size=1)
DOLA = SLIDE.changed(strategy="dola", do_sample=False, dola_layers=(1,))
# What these see follows from the ids alone; the others have seen some of them in a pass of their own.
STEADY = [*LIMITED, "transfo-xl-same"]
NEGATIVE = (11, 12, 13)


def naive(subject: LoadedModel, count: int, alpha: float) -> list[int]:
    """Su et al. 2022 over what is in sight of each text, every text and every candidate seen from nothing."""
    runner, text = runner_for(subject.model), list(START)

    def seen(ids: list[int]) -> torch.Tensor:
        return torch.tensor([[i for part in Window(SIZE).seen(len(ids)) for i in ids[part]]])

    with runner.watched():
        for _ in range(count):
            best = runner.see(seen(text))[0].softmax(-1).topk(4)
            merits = []
            for probability, token in zip(best.values, best.indices.tolist(), strict=True):
                runner.see(seen([*text, token]))
                states = runner.states[0].float()
                nearest = cosine_similarity(states[:-1], states[-1:], dim=-1).max()
                merits.append(float((1 - alpha) * probability - alpha * nearest))
            text.append(int(best.indices[merits.index(max(merits))]))
    return text[len(START) :]


@pytest.mark.parametrize("kind", STEADY)
def test_contrastive_search_compares_what_is_in_sight(kind: str) -> None:
    subject = model(kind)
    events = play(subject, START, CONTRASTIVE)
    assert ids(events) == naive(subject, 40, 0.6)
    assert forgot(events) == forgot(play(subject, START, SLIDE))
    assert ids(play(subject, START, CONTRASTIVE.changed(low_memory=True))) == ids(events)


@pytest.mark.parametrize("kind", [*LIMITED, *UNLIMITED])
@pytest.mark.parametrize("low_memory", [False, True])
def test_without_a_penalty_it_is_greedy(kind: str, low_memory: bool) -> None:
    """In every family, also with the window and guidance changed on the way."""
    subject = model(kind)
    plain = SLIDE.changed(negative_prompt_ids=NEGATIVE)
    settings = plain.changed(strategy="contrastive", top_k=3, penalty_alpha=0, low_memory=low_memory)
    changes: dict[int, dict[str, Any]] = {
        7: {"guidance_scale": 2.0},
        16: {"context_window": 24},
        22: {"guidance_scale": 1.0},
        31: {"context_window": SIZE},
    }
    for schedule in ({}, changes):
        greedy = play(subject, START, plain, Controls(schedule=schedule))
        events = play(subject, START, settings, Controls(schedule=schedule))
        assert ids(events) == ids(greedy)
        assert forgot(events) == forgot(greedy)


def test_a_cache_with_a_window_of_its_own_is_searched_too() -> None:
    subject = tiny_mistral(window=8)
    for low_memory in (False, True):
        settings = CONTRASTIVE.changed(low_memory=low_memory)
        assert ids(play(subject, START, settings)) == naive(subject, 40, 0.6)


@pytest.mark.parametrize("kind", ["gpt2", "xlm-noncausal"])
@pytest.mark.parametrize("settings", [CONTRASTIVE, ASSISTED, ASSISTED.changed(do_sample=True), DOLA])
def test_going_on_is_as_if_never_stopped(kind: str, settings: Settings) -> None:
    subject = model(kind)
    whole = ids(play(subject, START, settings))
    for first in (9, 10, 23):
        begun = play(subject, START, settings.changed(max_new_tokens=first))
        assert ids(begun) == whole[:first]
        for fresh in (False, True):
            if fresh:
                subject.runner.reset()
            more = settings.changed(max_new_tokens=40 - first)
            rest = play(subject, [*START, *whole[:first]], more, drawn=end(begun).sequences[0].drawn)
            assert ids(rest) == whole[first:]


@pytest.mark.parametrize("kind", [*LIMITED, *UNLIMITED])
def test_a_draft_changes_nothing(kind: str) -> None:
    subject = model(kind)
    for plain in (SLIDE, SAMPLED.changed(context_window=SIZE, max_new_tokens=40, temperature=0.2)):
        settings = plain.changed(strategy="assisted", do_sample=plain.draws, max_matching_ngram_size=1)
        # Between drafted tokens too: what was seen under another window or scale does not count.
        changes: dict[int, dict[str, Any]] = {n: {"context_window": SIZE + n} for n in (5, 13, 14, 27)}
        changes |= {n: {"guidance_scale": 1 + n % 2} for n in range(16, 26)}
        for schedule in ({}, changes):
            wanted = play(subject, START, plain, Controls(schedule=schedule))
            events = play(subject, START, settings, Controls(schedule=schedule))
            assert ids(events) == ids(wanted) and forgot(events) == forgot(wanted)
            assert end(events).sequences[0].drawn == end(wanted).sequences[0].drawn


def test_drafts_save_passes_beyond_the_window(tmp_path: Path) -> None:
    """The assistant has fewer positions than the text, and than the model: it sees what it can."""
    subject = model("gpt2")
    short = tiny_gpt2(n_positions=12, vocab_size=subject.vocabulary_size)
    weights = subject.model.float().state_dict()
    weights["transformer.wpe.weight"] = weights["transformer.wpe.weight"][:12]
    short.model.load_state_dict(weights)
    folder = str(saved(short, tmp_path / "short"))
    plain = SLIDE.changed(max_new_tokens=90, context_window=None)
    wanted = ids(play(subject, START, plain))
    for options in ({"assistant_model": folder}, {"assistant_early_exit": 1}, {"max_matching_ngram_size": 1}):
        settings = plain.changed(strategy="assisted", do_sample=False, assistant_confidence_threshold=0, **options)
        with counted(subject) as widths:
            events = play(subject, START, settings)
        assert ids(events) == wanted
        late = [event for event in events if isinstance(event, Drafted) and event.index > 60]
        assert late and late == sorted(late, key=lambda event: event.index)
        if "max_matching_ngram_size" in options:  # the text goes round in circles
            assert sum(event.accepted for event in late) > 5 and len(widths) < 80


@torch.inference_mode()
def masked(subject: LoadedModel, kind: str, count: int, alpha: float) -> list[tuple[int, float]]:
    """Contrastive search by calls of the library's model: the token after the text is read at a mask or a dummy, and
    a candidate's own state is the one in its own place."""
    network, text = subject.model, list(START)
    known, memory = torch.empty(0), None
    told = []

    def seen(ids: list[int]) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """The probabilities after these ids, the states of the last of them, and what is remembered."""
        given = torch.tensor([ids])
        if kind == "xlnet":
            output = xlnet_pass(network, given, memory, output_hidden_states=True)
            return output.logits[0, -1].float().softmax(-1), output.hidden_states[-2][0, :-1], list(output.mems)
        inputs = network.prepare_inputs_for_generation(given)
        output = network(**inputs, output_hidden_states=True)
        return output.logits[0, -1].float().softmax(-1), output.hidden_states[-1][0, :-1], None

    def joined(states: torch.Tensor, length: int) -> torch.Tensor:
        return torch.cat([known[: length - len(states)], states]) if len(states) < length else states

    probabilities, known, memory = seen(text)
    for _ in range(count):
        best = probabilities.topk(4)
        ways = [seen([*text, token]) for token in best.indices.tolist()]
        merits, nearest = [], []
        for probability, (_, states, _) in zip(best.values, ways, strict=True):
            whole = joined(states, len(text) + 1)
            nearest.append(float(cosine_similarity(whole[:-1], whole[-1:], dim=-1).max()))
            merits.append((1 - alpha) * float(probability) - alpha * nearest[-1])
        place = merits.index(max(merits))
        text.append(int(best.indices[place]))
        told.append((text[-1], nearest[place]))
        probabilities, states, memory = ways[place]
        known = joined(states, len(text))
    return told


@pytest.mark.parametrize("kind", ["xlnet", "xlm", "xlm-noncausal"])
@pytest.mark.parametrize("low_memory", [False, True])
def test_a_token_is_compared_in_its_own_place_where_the_next_is_read_at_a_mask(kind: str, low_memory: bool) -> None:
    subject = model(kind)
    subject.model.float()  # as the library's positions of XLNet are, whatever the weights are
    events = play(subject, START, CONTRASTIVE.changed(overflow="stop", context_window=None, low_memory=low_memory))
    wanted = masked(subject, kind, 40, 0.6)
    assert ids(events) == [token for token, _ in wanted]
    found = [next(c.penalty for c in e.candidates if c.id == e.chosen) for e in events if isinstance(e, Compared)]
    assert found == pytest.approx([penalty for _, penalty in wanted], abs=1e-4)
