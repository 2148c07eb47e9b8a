"""Each stage on four numbers, with what must come out worked out by hand, and the random streams."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from engine import EngineError, Settings
from engine.sampling import RandomStreams, Sampler
from engine.sampling.stages import Context
from engine.settings import PARAMETERS

OFF = Settings(top_p=1.0)
# Logits whose softmax is exactly these probabilities.
P = [0.5, 0.3, 0.15, 0.05]
NONE = -math.inf


def sampler(settings: Settings, prompt_length: int = 1, end: tuple[int, ...] = ()) -> Sampler:
    return Sampler(
        settings, Context(torch.zeros((1, prompt_length), dtype=torch.long), end, None), RandomStreams(settings.seed)
    )


def probabilities(
    changes: dict[str, Any], text: list[int] | None = None, given: list[float] | None = None
) -> list[float]:
    """The distribution after the stages that `changes` switch on."""
    logits = torch.tensor([given or P]).log()
    scores = sampler(OFF.changed(**changes)).process(torch.tensor([text or [0]]), logits)
    return scores.softmax(dim=-1)[0].tolist()


def about(*values: float) -> Any:
    return pytest.approx(values, abs=1e-4)


def test_without_stages_nothing_changes() -> None:
    assert sampler(OFF).stage_names == ()
    assert probabilities({}) == about(*P)


def test_temperature() -> None:
    # T = 0.5 squares: .25 .09 .0225 .0025, sum .365
    assert probabilities({"temperature": 0.5}) == about(0.6849, 0.2466, 0.0616, 0.0068)
    # T = 2 takes the root: .7071 .5477 .3873 .2236, sum 1.8657
    assert probabilities({"temperature": 2.0}) == about(0.3790, 0.2936, 0.2076, 0.1199)


def test_top_k() -> None:
    # .5 and .3 are left, of .8 together
    assert probabilities({"top_k": 2}) == about(0.625, 0.375, 0, 0)
    assert probabilities({"top_k": 9}) == about(*P)


def test_top_p() -> None:
    # .5 < .6, so the second is needed to reach it; with .3 it is .8
    assert probabilities({"top_p": 0.6}) == about(0.625, 0.375, 0, 0)
    # .5 + .3 = .8 < .9: three, of .95 together
    assert probabilities({"top_p": 0.9}) == about(0.5263, 0.3158, 0.1579, 0)
    # The likeliest is always left.
    assert probabilities({"top_p": 0.0}) == about(1, 0, 0, 0)


def test_min_p() -> None:
    # 0.35 x .5 = .175: .15 is below it
    assert probabilities({"min_p": 0.35}) == about(0.625, 0.375, 0, 0)
    # 0.2 x .5 = .1: .05 is below it
    assert probabilities({"min_p": 0.2}) == about(0.5263, 0.3158, 0.1579, 0)


def test_typical_p() -> None:
    # Surprisal -ln p: .6931 1.2040 1.8971 2.9957; entropy .3466 + .3612 + .2846 + .1498 = 1.1421
    # Distance to it:  .4490  .0618  .7550 1.8536, so the order is second, first, third, fourth.
    assert probabilities({"typical_p": 0.25}) == about(0, 1, 0, 0)  # .3 reaches it alone
    assert probabilities({"typical_p": 0.7}) == about(0.625, 0.375, 0, 0)  # .3, then .3 + .5
    assert probabilities({"typical_p": 0.9}) == about(0.5263, 0.3158, 0.1579, 0)


def test_epsilon() -> None:
    assert probabilities({"epsilon_cutoff": 0.1}) == about(0.5263, 0.3158, 0.1579, 0)
    assert probabilities({"epsilon_cutoff": 0.2}) == about(0.625, 0.375, 0, 0)
    # All below: the likeliest is left.
    assert probabilities({"epsilon_cutoff": 0.6}) == about(1, 0, 0, 0)


def test_eta() -> None:
    # The threshold is min(e, sqrt(e) x exp(-entropy)), exp(-1.1421) = .3191.
    # e = .2: sqrt .4472 x .3191 = .1427 < .2, so .15 stays; plain epsilon would cut it.
    assert probabilities({"eta_cutoff": 0.2}) == about(0.5263, 0.3158, 0.1579, 0)
    # e = .3: .5477 x .3191 = .1748: .15 goes.
    assert probabilities({"eta_cutoff": 0.3}) == about(0.625, 0.375, 0, 0)


def test_repetition_penalty() -> None:
    logits = torch.tensor([[2.0, 1.0, -1.0, 0.0]])
    # Divides what is above zero, multiplies what is below; only tokens 0 and 2 are in the text.
    scores = sampler(OFF.changed(repetition_penalty=2.0)).process(torch.tensor([[0, 2, 0]]), logits)
    assert scores[0].tolist() == [1.0, 1.0, -2.0, 0.0]
    scores = sampler(OFF.changed(repetition_penalty=0.5)).process(torch.tensor([[0, 2]]), logits)
    assert scores[0].tolist() == [4.0, 1.0, -0.5, 0.0]


def test_no_repeat_ngram() -> None:
    # After 0 1 | 0: the pair 0 1 was there. After 0 1 0 2 | 0: so were both 0 1 and 0 2.
    assert probabilities({"no_repeat_ngram_size": 2}, [0, 1, 0]) == about(0.7143, 0, 0.2143, 0.0714)
    assert probabilities({"no_repeat_ngram_size": 2}, [0, 1, 0, 2, 0]) == about(0.9091, 0, 0, 0.0909)
    # Of three: 1 2 has been followed by 3.
    assert probabilities({"no_repeat_ngram_size": 3}, [1, 2, 3, 1, 2]) == about(0.5263, 0.3158, 0.1579, 0)
    assert probabilities({"no_repeat_ngram_size": 1}, [0, 3]) == about(0, 0.6667, 0.3333, 0)


def test_min_new_tokens() -> None:
    made = sampler(OFF.changed(min_new_tokens=2), prompt_length=3, end=(1,))
    logits = torch.tensor([P]).log()
    for length, kept in ((3, False), (4, False), (5, True), (9, True)):
        scores = made.process(torch.zeros((1, length), dtype=torch.long), logits)
        assert (scores[0, 1] > NONE) == kept
    assert sampler(OFF.changed(min_new_tokens=2)).stage_names == ()  # nothing could end the text


def test_stages_act_in_the_library_s_order() -> None:
    values: dict[str, Any] = {
        "repetition_penalty": 1.2, "no_repeat_ngram_size": 4, "min_new_tokens": 3, "temperature": 0.7, "top_k": 3,
        "top_p": 0.9, "min_p": 0.1, "typical_p": 0.95, "epsilon_cutoff": 0.001, "eta_cutoff": 0.001,
    }  # fmt: skip
    made = sampler(OFF.changed(**dict(reversed(values.items()))), end=(3,))
    assert made.stage_names == tuple(values)
    greedy = sampler(OFF.changed(**values, strategy="greedy"), end=(3,))
    assert greedy.stage_names == ("repetition_penalty", "no_repeat_ngram_size", "min_new_tokens")


def test_temperature_acts_before_top_p() -> None:
    # T = 0.5 makes .6849 .2466: the first reaches .65 alone. At T = 1 it would take two.
    assert probabilities({"temperature": 0.5, "top_p": 0.65}) == about(1, 0, 0, 0)
    # Top-k 2 makes .625 .375 before top-p .6 asks: one is enough.
    assert probabilities({"top_k": 2, "top_p": 0.6}) == about(1, 0, 0, 0)


def test_each_stage_can_be_seen() -> None:
    made = sampler(OFF.changed(temperature=0.5, top_k=1))
    logits = torch.tensor([P]).log()
    seen = made.by_stage(torch.tensor([[0]]), logits)
    assert [name for name, _ in seen] == ["temperature", "top_k"]
    assert seen[0][1].softmax(dim=-1)[0].tolist() == about(0.6849, 0.2466, 0.0616, 0.0068)
    assert torch.equal(seen[-1][1], made.process(torch.tensor([[0]]), logits))


def test_neutral_values_are_no_stages() -> None:
    library = Settings(
        strategy="sample", **{n: p.off for n, p in PARAMETERS.items() if p.group == "sampling" and p.can_be_off}
    )
    assert sampler(library.changed(temperature=1.0)).stage_names == ()
    assert sampler(library.changed(temperature=0.99)).stage_names == ("temperature",)


def test_greedy_takes_the_first_of_the_likeliest() -> None:
    made = sampler(OFF.changed(strategy="greedy"))
    assert made.choose(torch.tensor([[1.0, 3.0, 3.0, 2.0], [5.0, NONE, NONE, 1.0]]), [0, 1]).tolist() == [1, 0]


def test_a_stream_is_the_library_s_at_seed_plus_i() -> None:
    scores = torch.tensor([P, P, P]).log()
    streams = RandomStreams(7)
    drawn = [streams.draw(scores, [0, 1, 5]).tolist() for _ in range(20)]
    for column, seed in enumerate((7, 8, 12)):
        torch.manual_seed(seed)
        alone = [int(torch.multinomial(torch.tensor([P]), 1)) for _ in range(20)]
        assert [row[column] for row in drawn] == alone
    assert [streams.drawn(sequence) for sequence in (0, 1, 5, 2)] == [20, 20, 20, 0]


def test_a_stream_does_not_depend_on_the_others_nor_on_the_settings() -> None:
    scores = torch.tensor([P]).log()
    plain, busy = RandomStreams(3), RandomStreams(3)
    wanted = [int(plain.draw(scores, [2])) for _ in range(12)]
    found = []
    for step in range(12):
        given = scores if step % 3 else torch.tensor([[0.0, NONE, NONE, NONE]])  # a draw without a choice
        rows = [2, 0] if step % 2 else [2]
        found.append(int(busy.draw(given.expand(len(rows), -1), rows)[0]))
    assert [token for step, token in enumerate(found) if step % 3] == [t for step, t in enumerate(wanted) if step % 3]


@pytest.mark.parametrize("passed", [0, 1, 7])
def test_draws_can_be_passed_over(passed: int) -> None:
    scores = torch.randn(1, 50, generator=torch.Generator().manual_seed(1))
    whole, late = RandomStreams(5), RandomStreams(5, drawn=passed)
    wanted = [int(whole.draw(scores, [1])) for _ in range(15)]
    assert [int(late.draw(scores, [1])) for _ in range(15 - passed)] == wanted[passed:]
    assert late.drawn(1) == 15


@pytest.mark.parametrize("strategy", ["greedy", "sample"])
@pytest.mark.parametrize("bad", [[NONE] * 4, [math.nan, 1.0, 0.0, 0.0], [math.nan] * 4, [math.inf, 0.0, 0.0, math.nan]])
def test_scores_that_leave_no_choice_are_an_error(strategy: str, bad: list[float]) -> None:
    made = sampler(OFF.changed(strategy=strategy))
    with pytest.raises(EngineError, match="scores") as error:
        made.choose(torch.tensor([[0.0, 1.0, 2.0, 3.0], bad]), [0, 1])
    assert "\n" not in str(error.value)


def test_the_settings_can_be_swapped() -> None:
    made = sampler(OFF)
    logits = torch.tensor([P]).log()
    made.use(OFF.changed(top_k=1))
    assert made.process(torch.tensor([[0]]), logits).softmax(dim=-1)[0].tolist() == about(1, 0, 0, 0)
    made.use(OFF)
    assert made.stage_names == ()
