"""Classifier-free guidance held against the two texts seen from nothing, under every strategy and family."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine import Controls, Settings
from engine.events import Failed, Prepared
from engine.models.loaded import LoadedModel
from engine.runner.guided import GuidedRunner
from engine.window import Window
from tests.golden.cases import CHECKPOINTS, cases, new_ids, prompt_ids, settings_of
from tests.models import GREEDY, PROMPT, by_library, end, golden_model, ids, play, tiny_gpt2
from tests.paths import needs_golden

NEGATIVE = (7, 40, 72)
FORCED = {"force_words_ids": [[5, 9]]}


def after(model: LoadedModel, beginning: tuple[int, ...], new: list[int]) -> torch.Tensor:
    """The log-probabilities (vocabulary,) of one text alone: its beginning in one pass, the rest token by token."""
    model.runner.reset()
    logits = model.runner.prefill(beginning)[0]
    for token in new:
        logits = model.runner.step(torch.tensor([token]))
    return logits[0].log_softmax(dim=-1)


def from_nothing(
    model: LoadedModel, rows: torch.Tensor, negative: tuple[int, ...], scale: float, *, late: bool = False
) -> torch.Tensor:
    """The guided log-probabilities after these rows, whose first ids are those of the prompt.

    `late`: guidance came in the middle, so all of the other text was seen in one pass, which XLNet sees both ways.
    """
    found = []
    for new in rows[:, len(PROMPT) :].tolist():
        towards = after(model, PROMPT, new)
        away = after(model, (*negative, *new), []) if late else after(model, negative, new)
        found.append(away + scale * (towards - away))
    return torch.stack(found)


@needs_golden
@pytest.mark.parametrize(("name", "case"), [p for p in cases("processors") if ".cfg" in p.id])
def test_a_case_gives_the_same_tokens(name: str, case: dict[str, Any]) -> None:
    found = end(play(golden_model(name), prompt_ids(name, case), settings_of(name, case))).sequences
    assert [list(s.token_ids) for s in found] == new_ids(case, [len(s.token_ids) for s in found])


@needs_golden
@pytest.mark.parametrize("name", CHECKPOINTS)
@pytest.mark.parametrize("negative", [NEGATIVE, PROMPT[-1:]], ids=["prompt", "last"])
def test_rows_go_together_in_every_family(name: str, negative: tuple[int, ...]) -> None:
    """Forked, reordered, rewound, and with the scale moved away from 1 and back."""
    model = golden_model(name)
    model.family.set_up(model, Settings(xlm_language="en"))
    given = () if negative == PROMPT[-1:] else negative
    runner = GuidedRunner(model.runner, lambda: model.second_runner, given)
    runner.scale = 2.0
    close = {"atol": 2e-2 if name.startswith("transfo") else 2e-3, "rtol": 1e-3}
    steps: list[torch.Tensor] = [runner.prefill(PROMPT, 3)[0]]
    rows = [runner.ids.clone()]

    def look(logits: torch.Tensor) -> None:
        steps.append(logits)
        rows.append(runner.ids.clone())

    look(runner.step(torch.tensor([3, 4, 5])))
    runner.fork([2, 0, 0])
    look(runner.step(torch.tensor([8, 9, 10])))
    runner.rewind(len(PROMPT) + 1)
    look(runner.step(torch.tensor([11, 12, 13])))
    runner.scale = 1.0
    runner.step(torch.tensor([6, 6, 6]))
    runner.fork([0, 1])
    runner.scale = 2.0
    look(runner.step(torch.tensor([14, 15])))
    for logits, seen in zip(steps, rows, strict=True):
        wanted = from_nothing(model, seen, negative, 2.0, late=logits is steps[-1])
        torch.testing.assert_close(logits, wanted, **close)


@pytest.mark.parametrize("negative", [(), NEGATIVE])
def test_greedy_and_drawn_are_the_library_s(gpt2: LoadedModel, negative: tuple[int, ...]) -> None:
    for drawn in (False, True):
        options: dict[str, Any] = {"do_sample": drawn, "max_new_tokens": 15, "guidance_scale": 1.7}
        settings = Settings.from_generation_config({**options, "negative_prompt_ids": negative, "seed": 4})
        given = {"negative_prompt_ids": torch.tensor([negative])} if negative else {}
        assert ids(play(gpt2, settings=settings)) == by_library(gpt2, seed=4, **options, **given)


@pytest.mark.parametrize("strategy", ["beam", "diverse-beam", "constrained-beam", "contrastive"])
def test_the_other_strategies_see_guided_scores(gpt2: LoadedModel, strategy: str) -> None:
    """Each token's log-probability is the one that both texts give when they are seen from nothing."""
    names = FORCED if strategy == "constrained-beam" else {}
    settings = Settings(strategy=strategy, guidance_scale=1.8, negative_prompt_ids=NEGATIVE, max_new_tokens=8, **names)
    events = play(gpt2, settings=settings)
    plain = play(gpt2, settings=settings.changed(guidance_scale=1.0))
    sequence = end(events).sequences[0]
    assert sequence.token_ids != end(plain).sequences[0].token_ids
    for index, (token, logprob) in enumerate(zip(sequence.token_ids, sequence.logprobs, strict=True)):
        rows = torch.tensor([PROMPT + sequence.token_ids[:index]])
        wanted = from_nothing(gpt2, rows, NEGATIVE, 1.8).log_softmax(dim=-1)
        if strategy != "diverse-beam":  # there a group pays for what another said
            assert logprob == pytest.approx(float(wanted[0, token]), abs=1e-3)


@torch.inference_mode()
def guided_dola(model: LoadedModel, layers: tuple[int, ...], scales: list[float]) -> list[int]:
    """Chuang et al. 2024 on guided layers: the one farthest from the last is taken off it, where that is plausible."""
    new: list[int] = []
    for scale in scales:
        branches = []
        for beginning in (PROMPT, NEGATIVE):
            output = model.model(torch.tensor([[*beginning, *new]]), output_hidden_states=True)
            read = [model.model.lm_head(output.hidden_states[layer][0, -1]).log_softmax(-1) for layer in layers]
            branches.append([*read, output.logits[0, -1].log_softmax(-1)])
        *early, last = [(n + scale * (p - n)).log_softmax(-1) for p, n in zip(*branches, strict=True)]

        def distance(place: int, early: list[torch.Tensor] = early, last: torch.Tensor = last) -> float:
            mean = (last.exp() + early[place].exp()) / 2
            return sum(float((mean * (mean.log() - p)).sum()) for p in (last, early[place]))

        farthest = max(range(len(early)), key=distance)
        # Contrasted first, and then guided: it comes to the same, since the layer is one for both.
        towards, away = (branch[-1] - branch[farthest] for branch in branches)
        contrast = away + scale * (towards - away)
        new.append(int(contrast.masked_fill(last.exp() < 0.1 * last.exp().max(), -float("inf")).argmax()))
    return new


@pytest.mark.parametrize("layers", [(0,), (1,), (0, 1, 2)])
def test_dola_contrasts_guided_layers(layers: tuple[int, ...]) -> None:
    model = tiny_gpt2(n_layer=3)
    settings = Settings(strategy="dola", do_sample=False, dola_layers=layers, negative_prompt_ids=NEGATIVE)
    settings = settings.changed(max_new_tokens=12, eos_token_id=(), guidance_scale=1.8)
    found = ids(play(model, settings=settings))
    assert found == guided_dola(model, layers, [1.8] * 12) != guided_dola(model, layers, [1.0] * 12)
    changed = play(
        model, settings=settings, controls=Controls(schedule={4: {"guidance_scale": 1}, 8: {"guidance_scale": 3}})
    )
    assert ids(changed) == guided_dola(model, layers, [1.8] * 4 + [1.0] * 4 + [3.0] * 4)
    drawn = settings.changed(do_sample=True, num_return_sequences=3, top_p=1.0)
    rows = [list(sequence.token_ids) for sequence in end(play(model, settings=drawn)).sequences]
    assert rows == [ids(play(model, settings=drawn.changed(num_return_sequences=1, seed=42 + n))) for n in range(3)]


def test_the_scale_is_live(gpt2: LoadedModel) -> None:
    settings = GREEDY.changed(negative_prompt_ids=NEGATIVE)
    guided = play(gpt2, settings=settings, controls=Controls(schedule={4: {"guidance_scale": 2.5}}))
    plain = ids(play(gpt2, settings=settings))
    assert ids(guided)[:4] == plain[:4] and ids(guided) != plain
    rows = torch.tensor([[*PROMPT, *ids(guided)[:6]]])
    assert int(from_nothing(gpt2, rows, NEGATIVE, 2.5).argmax()) == ids(guided)[6]


def test_a_negative_prompt_is_prepared_as_a_prompt_is(gpt2: LoadedModel) -> None:
    text = "the other river"
    settings = GREEDY.changed(guidance_scale=2.0)
    by_ids = settings.changed(negative_prompt_ids=tuple(gpt2.tokenizer.encode(text)))
    assert ids(play(gpt2, settings=settings.changed(negative_prompt=text))) == ids(play(gpt2, settings=by_ids))


def test_a_long_negative_prompt_does_not_outgrow_the_model(gpt2: LoadedModel) -> None:
    settings = GREEDY.changed(guidance_scale=1.5, negative_prompt_ids=tuple(range(100)), max_new_tokens=-1)
    assert len(ids(play(gpt2, settings=settings))) == 64 - len(PROMPT)
    sliding = settings.changed(overflow="slide", context_window=32, max_new_tokens=70)
    assert len(ids(play(gpt2, settings=sliding))) == 70


def test_the_second_rows_slide_by_their_own_length(gpt2: LoadedModel) -> None:
    runner = GuidedRunner(gpt2.runner, lambda: gpt2.second_runner, NEGATIVE, Window(16, 0))
    runner.scale = 3.0
    runner.prefill(PROMPT)
    for token in range(30):
        logits = runner.step(torch.tensor([token]))
    new = [*NEGATIVE, *range(30)]
    seen = torch.tensor([new[Window(16, 0).out(len(new)) :]])
    text = torch.tensor([[*PROMPT, *range(30)]])
    gpt2.runner.reset()
    towards, away = gpt2.runner.see(text).log_softmax(dim=-1), gpt2.runner.see(seen).log_softmax(dim=-1)
    torch.testing.assert_close(logits, away + 3.0 * (towards - away), atol=1e-3, rtol=1e-3)


def test_what_has_no_effect_or_no_meaning_is_told(gpt2: LoadedModel) -> None:
    def codes(settings: Settings) -> list[str]:
        first = play(gpt2, settings=settings)[0]
        assert isinstance(first, Prepared)
        return [note.code for note in first.notes]

    assert codes(GREEDY.changed(negative_prompt="the")) == ["no-guidance"]
    assert codes(GREEDY.changed(negative_prompt="the", guidance_scale=1.5)) == []
    failed = play(gpt2, settings=GREEDY.changed(guidance_scale=2.0, negative_prompt_ids=(10**6,)))[-1]
    assert isinstance(failed, Failed) and failed.error.startswith("negative_prompt_ids")


def test_a_draft_is_judged_by_guided_scores(gpt2: LoadedModel) -> None:
    settings = GREEDY.changed(guidance_scale=2.0, negative_prompt="a river")
    plain = end(play(gpt2, "the old the old", settings)).sequences[0].token_ids
    drafted = settings.changed(strategy="assisted", do_sample=False, prompt_lookup_num_tokens=3)
    assert end(play(gpt2, "the old the old", drafted)).sequences[0].token_ids == plain
    assert end(play(gpt2, "the old the old", drafted.changed(guidance_scale=1.0))).sequences[0].token_ids != plain
