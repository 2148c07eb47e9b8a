"""Contrastive search and DoLa against versions written from the papers, without a cache; live changes in both."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

import engine
from engine import Controls, Settings
from engine.events import Changed, Compared, Contrasted, Event, Paused, Token
from engine.models.loaded import LoadedModel
from tests.models import PROMPT, end, ids, play, tiny_gpt2

COUNT = 12
CONTRASTIVE = Settings(strategy="contrastive", top_k=5, max_new_tokens=COUNT, eos_token_id=())
DOLA = Settings(strategy="dola", do_sample=False, dola_layers=(0, 1), max_new_tokens=COUNT, eos_token_id=())


@torch.inference_mode()
def contrastive(model: LoadedModel, alphas: list[float], count: int = 5, banned: int | None = None) -> list[int]:
    """Su et al. 2022: of the likeliest, the one with the best of confidence less its nearest likeness."""
    text = list(PROMPT)
    for alpha in alphas:
        scores = model.model(torch.tensor([text])).logits[0, -1]
        if banned is not None:
            scores[banned] = -float("inf")
        likeliest = scores.softmax(-1).topk(count)
        merits = []
        for probability, token in zip(likeliest.values, likeliest.indices, strict=True):
            output = model.model(torch.tensor([[*text, int(token)]]), output_hidden_states=True)
            states = output.hidden_states[-1][0]
            nearest = cosine_similarity(states[:-1], states[-1:], dim=-1).max()
            merit = (1 - alpha) * probability - alpha * nearest
            merits.append(float(merit) if probability > 0 else -float("inf"))
        text.append(int(likeliest.indices[merits.index(max(merits))]))
    return text[len(PROMPT) :]


@torch.inference_mode()
def dola(model: LoadedModel, layers: list[tuple[int, ...]]) -> list[int]:
    """Chuang et al. 2024: the layer farthest from the last is taken off it.

    Far by the Jensen-Shannon divergence as the authors' code has it, where the mean stands before the bar.
    """
    text, head = list(PROMPT), model.model.lm_head
    for candidates in layers:
        output = model.model(torch.tensor([text]), output_hidden_states=True)
        last = output.logits[0, -1].softmax(-1)
        early = [head(output.hidden_states[layer][0, -1]).softmax(-1) for layer in candidates]

        def distance(other: torch.Tensor, last: torch.Tensor = last) -> float:
            mean = (last + other) / 2
            return sum(float((mean * (mean / p).log()).sum()) for p in (last, other))

        farthest = max(early, key=distance)
        contrast = (last / farthest).log().masked_fill(last < 0.1 * last.max(), -float("inf"))
        text.append(int(contrast.argmax()))
    return text[len(PROMPT) :]


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.6, 1.0])
def test_contrastive_search_follows_the_paper(gpt2: LoadedModel, alpha: float, low_memory: bool) -> None:
    settings = CONTRASTIVE.changed(penalty_alpha=alpha, low_memory=low_memory)
    assert ids(play(gpt2, settings=settings)) == contrastive(gpt2, [alpha] * COUNT)


@pytest.mark.parametrize("low_memory", [False, True])
def test_its_penalty_can_be_changed_on_the_way(gpt2: LoadedModel, low_memory: bool) -> None:
    settings = CONTRASTIVE.changed(penalty_alpha=0.1, low_memory=low_memory)
    events = play(gpt2, settings=settings, controls=Controls(schedule={5: {"penalty_alpha": 0.9}}))
    assert ids(events) == contrastive(gpt2, [0.1] * 5 + [0.9] * 7) != contrastive(gpt2, [0.1] * COUNT)
    assert [event.at for event in events if isinstance(event, Changed)] == [5]


def test_what_must_not_come_does_not_come_by_being_different(gpt2: LoadedModel) -> None:
    """A candidate without probability is none, however little it resembles the text."""
    allowed = contrastive(gpt2, [0.0])[0]
    others = tuple(token for token in range(300) if token != allowed)
    settings = CONTRASTIVE.changed(suppress_tokens=others, penalty_alpha=1.0)
    assert ids(play(gpt2, settings=settings)) == [allowed] * COUNT


@pytest.mark.parametrize("layers", [(0,), (1,), (0, 1)])
def test_dola_follows_the_paper(layers: tuple[int, ...]) -> None:
    model = tiny_gpt2(n_layer=3)
    assert ids(play(model, settings=DOLA.changed(dola_layers=layers))) == dola(model, [layers] * COUNT)


def test_its_layers_can_be_changed_on_the_way() -> None:
    model = tiny_gpt2(n_layer=3)
    events = play(model, settings=DOLA.changed(dola_layers=(0,)), controls=Controls(schedule={4: {"dola_layers": [2]}}))
    assert ids(events) == dola(model, [(0,)] * 4 + [(2,)] * 8)
    assert [event.layer for event in events if isinstance(event, Contrasted)] == [0] * 4 + [2] * 8


@pytest.mark.parametrize("settings", [CONTRASTIVE, CONTRASTIVE.changed(low_memory=True), DOLA])
def test_they_can_be_held_stepped_and_stopped(gpt2: LoadedModel, settings: Settings) -> None:
    whole = ids(play(gpt2, settings=settings))
    controls = Controls()
    controls.pause()
    run = engine.generate(gpt2, PROMPT, settings, controls)
    assert list(islice(run, 3))[1:] == [Paused(0)] * 2
    told: list[Event] = []
    for index in range(4):
        controls.step()
        while not isinstance(event := next(run), Paused):
            told.append(event)
        assert event == Paused(index + 1)
    assert [event.id for event in told if isinstance(event, Token)] == whole[:4]
    assert any(isinstance(event, Compared | Contrasted) for event in told)
    controls.stop()
    assert end(list(run)).sequences[0].finish_reason == "cancelled"


@pytest.mark.parametrize("settings", [CONTRASTIVE, DOLA])
def test_they_end_where_they_should(gpt2: LoadedModel, settings: Settings) -> None:
    whole = end(play(gpt2, settings=settings)).sequences[0]
    last = whole.token_ids[3]
    endings: dict[str, dict[str, Any]] = {
        "eos": {"eos_token_id": (last,)},
        "stop": {"stop_strings": (whole.text[2:4],)},
        "length": {"max_length": len(PROMPT) + 3},
        "time": {"max_time": 1e-9},
    }
    for reason, names in endings.items():
        found = end(play(gpt2, settings=settings.changed(**names))).sequences[0]
        assert found.finish_reason == reason
        assert found.token_ids == whole.token_ids[: len(found.token_ids)]
    least = end(play(gpt2, settings=settings.changed(eos_token_id=(last,), min_new_tokens=6))).sequences[0]
    assert last not in least.token_ids[:6]
