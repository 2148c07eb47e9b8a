"""Texts that outgrow the model: what it sees is what is left in its window, computed from nothing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    CTRLConfig,
    CTRLLMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    NoRepeatNGramLogitsProcessor,
    PreTrainedModel,
    RepetitionPenaltyLogitsProcessor,
)

import engine
from engine import Controls, Settings
from engine.events import Event, Failed, Forgot, Noted, Prefilled
from engine.models.loaded import LoadedModel
from engine.runner import Runner, runner_for
from engine.runner.sliding import SlidingRunner
from engine.session.lines import as_lines, event_of
from engine.window import Window
from tests.engine import test_family_runners as families
from tests.engine.transfo_xl import tiny as transfo_xl
from tests.models import END, PROMPT, counted, end, golden_model, ids, loaded, play, tiny_gpt2, tiny_mistral
from tests.paths import needs_golden

POSITIONS = 48
VOCABULARY = families.VOCABULARY
START = (5, 6, 7, 8, 9, 10)
SLIDE = Settings(strategy="greedy", overflow="slide", eos_token_id=(), max_new_tokens=100)
SAMPLED = SLIDE.changed(strategy="sample", top_p=1.0, seed=5)
# With a limit of their own; without one, where a window has to be asked for.
LIMITED = ["gpt2", "openai-gpt", "ctrl", "llama", "xlm", "xlm-noncausal"]
UNLIMITED = ["xlnet", "xlnet-short", "transfo-xl", "transfo-xl-same"]


def made(kind: str) -> PreTrainedModel:
    small: dict[str, Any] = {"vocab_size": VOCABULARY, "initializer_range": 0.5}
    with torch.random.fork_rng():
        torch.manual_seed(2)
        match kind:
            case "gpt2":
                return tiny_gpt2(n_positions=POSITIONS, vocab_size=VOCABULARY).model.double()
            case "ctrl":
                sizes = {"n_positions": POSITIONS, "n_embd": 16, "dff": 32, "n_layer": 2, "n_head": 2}
                return CTRLLMHeadModel(CTRLConfig(**sizes, **small)).eval().double()
            case "llama":
                sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
                config = LlamaConfig(max_position_embeddings=POSITIONS, **sizes, **small)
                return LlamaForCausalLM(config).eval().double()
            case "transfo-xl" | "transfo-xl-same":
                return transfo_xl.model(same_length=kind.endswith("same"))
            case "xlnet-short":
                return families.tiny("xlnet", 6)
    return families.tiny(kind)


def model(kind: str) -> LoadedModel:
    return loaded(made(kind))


def naive(model: LoadedModel, size: int, count: int, *, penalty: float = 1.0, ngram: int = 0) -> list[int]:
    """Greedy, with a runner of its own for each stretch between two droppings and nothing kept over them."""
    text, seen, new = list(START), list(START), []
    runner: Runner | None = None
    for _ in range(count):
        while len(seen) + 1 > size:
            seen, runner = seen[size // 4 :], None
        if runner is None:
            runner = runner_for(model.model)
            logits, _ = runner.prefill(seen)
        else:
            logits = runner.step(torch.tensor([seen[-1]]))
        given = torch.tensor([text])
        if penalty != 1:
            logits = RepetitionPenaltyLogitsProcessor(penalty)(given, logits)
        if ngram:
            logits = NoRepeatNGramLogitsProcessor(ngram)(given, logits)
        best = int(logits.argmax())
        for row in (text, seen, new):
            row.append(best)
    return new


def forgot(events: list[Event], sequence: int = 0) -> list[tuple[int, int]]:
    found = [event for event in events if isinstance(event, Forgot) and event.sequence == sequence]
    return [(event.at, event.tokens) for event in found]


def codes(events: list[Event]) -> list[str]:
    return [event.note.code for event in events if isinstance(event, Noted)]


@pytest.mark.parametrize("kind", LIMITED)
def test_a_text_beyond_the_positions_equals_one_from_what_is_left(kind: str) -> None:
    subject = model(kind)
    events = play(subject, START, SLIDE)
    assert ids(events) == naive(subject, POSITIONS, 100)
    assert forgot(events) == [(42 + 12 * n, 12 * (n + 1)) for n in range(5)]


@pytest.mark.parametrize("kind", [*LIMITED, *UNLIMITED])
def test_a_window_slides_over_any_family(kind: str) -> None:
    subject = model(kind)
    events = play(subject, START, SLIDE.changed(context_window=16))
    assert ids(events) == naive(subject, 16, 100)
    assert len(forgot(events)) == 23


@pytest.mark.parametrize("kind", UNLIMITED)
def test_without_a_limit_or_a_window_nothing_falls_out_of_sight(kind: str) -> None:
    events = play(model(kind), START, SLIDE)
    assert len(ids(events)) == 100 and forgot(events) == []


def test_a_cache_with_a_window_of_its_own_slides_too() -> None:
    subject = tiny_mistral(window=8)
    events = play(subject, START, SLIDE.changed(context_window=16, max_new_tokens=40))
    assert ids(events) == naive(subject, 16, 40)


@pytest.mark.parametrize("options", [{"penalty": 1.6}, {"ngram": 2}, {"penalty": 1.3, "ngram": 3}])
def test_repetition_is_about_the_whole_text(options: dict[str, Any]) -> None:
    subject = model("gpt2")
    given = {"repetition_penalty": options.get("penalty", 1.0), "no_repeat_ngram_size": options.get("ngram", 0)}
    settings = SLIDE.changed(context_window=16, **given)
    assert ids(play(subject, START, settings)) == naive(subject, 16, 100, **options)


@pytest.mark.parametrize("kind", ["gpt2", "xlm-noncausal", "transfo-xl-same"])
def test_each_of_several_sequences_is_the_one_that_would_have_come_alone(kind: str) -> None:
    subject = model(kind)
    settings = SAMPLED.changed(context_window=16, num_return_sequences=3, max_new_tokens=40)
    events = play(subject, START, settings)
    for row in range(3):
        alone = play(subject, START, settings.changed(num_return_sequences=1, seed=5 + row))
        assert ids(events, row) == ids(alone)
        assert forgot(events, row) == forgot(alone)
    assert codes(events) == ["out-of-sight"]


def test_a_sequence_that_ends_leaves_the_others_their_window() -> None:
    subject = model("gpt2")
    settings = SAMPLED.changed(context_window=16, num_return_sequences=3, max_new_tokens=60)
    stop = ids(play(subject, START, settings), 1)[15]
    ending = settings.changed(eos_token_id=(stop,))
    events = play(subject, START, ending)
    assert len({len(ids(events, row)) for row in range(3)}) > 1
    for row in range(3):
        assert ids(events, row) == ids(play(subject, START, ending.changed(num_return_sequences=1, seed=5 + row)))


def test_turned_on_in_the_middle_it_is_as_if_it_had_been_on() -> None:
    subject = model("gpt2")
    whole = play(subject, START, SAMPLED)
    for at in (1, 41, 42):
        controls = Controls(schedule={at: {"overflow": "slide"}})
        late = play(subject, START, SAMPLED.changed(overflow="stop"), controls)
        if at < 42:
            assert ids(late) == ids(whole) and forgot(late) == forgot(whole)
        else:  # at the 42nd there is no token left that could obey
            assert len(ids(late)) == 42


def test_turned_off_in_the_middle_it_ends_the_run() -> None:
    events = play(model("gpt2"), START, SLIDE, Controls(schedule={60: {"overflow": "stop"}}))
    assert len(ids(events)) == 60 and end(events).sequences[0].finish_reason == "length"
    assert codes(events) == ["out-of-sight", "positions-full"]


def test_a_wider_window_brings_text_back_into_sight() -> None:
    subject = model("gpt2")
    controls = Controls(schedule={20: {"context_window": None}, 30: {"context_window": 16}})
    events = play(subject, START, SLIDE.changed(context_window=16, max_new_tokens=32), controls)
    told = [(event.at, event.tokens, event.until) for event in events if isinstance(event, Forgot)]
    assert (20, 0, -len(START)) in told
    new = ids(events)
    seen = [*START, *new[:25]]
    assert int(runner_for(subject.model).prefill(seen)[0].argmax()) == new[25]
    seen = [*START, *new[:31]][24:]
    assert int(runner_for(subject.model).prefill(seen)[0].argmax()) == new[31]


@pytest.mark.parametrize("first", [1, 9, 10, 11, 30, 42, 43, 59])
def test_going_on_is_as_if_never_stopped(first: int) -> None:
    """Also from a text that fills the positions, or is longer."""
    subject = model("gpt2")
    whole = ids(play(subject, START, SAMPLED.changed(max_new_tokens=60)))
    begun = play(subject, START, SAMPLED.changed(max_new_tokens=first))
    more = SAMPLED.changed(max_new_tokens=60 - first)
    for fresh in (False, True):
        if fresh:
            subject.runner.reset()
        rest = play(subject, [*START, *ids(begun)], more, drawn=end(begun).sequences[0].drawn)
        assert ids(begun) + ids(rest) == whole


@pytest.mark.parametrize("kind", [*LIMITED, *UNLIMITED])
@pytest.mark.parametrize("length", [47, 48, 49, 200])
def test_a_prompt_longer_than_the_window_is_seen_from_its_end(kind: str, length: int) -> None:
    subject = model(kind)
    prompt = [5 + n % 30 for n in range(length)]
    events = play(subject, prompt, SLIDE.changed(context_window=POSITIONS, max_new_tokens=3))
    out = Window(POSITIONS).out(length)
    assert forgot(events)[:1] == ([(0, out)] if out else forgot(events)[:1])
    logits, _ = runner_for(subject.model).prefill(prompt[out:])
    assert int(logits.argmax()) == ids(events)[0]
    assert [event.tokens for event in events if isinstance(event, Prefilled)] == [length - out]


@pytest.mark.parametrize("kind", LIMITED)
def test_a_run_that_fills_the_positions_says_so(kind: str) -> None:
    events = play(model(kind), START, SLIDE.changed(overflow="stop"))
    assert len(ids(events)) == POSITIONS - len(START)
    assert end(events).sequences[0].finish_reason == "length"
    (note,) = [event.note for event in events if isinstance(event, Noted)]
    assert note.code == "positions-full" and "All 48 positions" in note.text and "overflow slide" in note.text
    longer = play(model(kind), [5] * 49, SLIDE.changed(overflow="stop"))
    assert isinstance(longer[-1], Failed) and "overflow to slide" in longer[-1].error


def test_a_run_that_ends_before_that_says_nothing() -> None:
    assert codes(play(model("gpt2"), START, SLIDE.changed(overflow="stop", max_new_tokens=41))) == []
    assert codes(play(model("xlnet"), START, SLIDE.changed(overflow="stop"))) == []


def test_a_window_ends_a_run_that_does_not_slide() -> None:
    events = play(model("xlnet"), START, SLIDE.changed(overflow="stop", context_window=16))
    assert len(ids(events)) == 10 and codes(events) == ["positions-full"]


def test_the_start_of_a_text_stays_in_sight() -> None:
    subject = tiny_gpt2(n_positions=32)
    new = ids(play(subject, [END, *PROMPT], SLIDE.changed(max_new_tokens=80)))
    text = [END, *PROMPT, *new]
    for length in range(32, len(text)):
        out = -(-(length - 31) // 8) * 8
        logits, _ = runner_for(subject.model).prefill([END, *text[1 + out : length]])
        assert int(logits.argmax()) == text[length]


@needs_golden
def test_a_control_code_stays_in_sight_and_a_mere_word_does_not() -> None:
    subject = golden_model("ctrl")
    for prompt, head in (("Books The old", 1), ("The old", 0)):
        ready = list(subject.family.encode(subject, prompt))
        assert subject.family.head(subject, ready) == head
        settings = SLIDE.changed(context_window=16, max_new_tokens=30)
        events = play(subject, prompt, settings)
        text = [*ready, *ids(events)]
        length = len(text) - 1
        out = -(-(length - 15) // 4) * 4
        logits, _ = runner_for(subject.model).prefill([*ready[:head], *text[head + out : length]])
        assert int(logits.argmax()) == text[length]
        assert [event.head for event in events if isinstance(event, Forgot)][-1] == len("Books") * head


@needs_golden
@pytest.mark.parametrize("name", ["gpt2", "llama", "openai-gpt", "ctrl", "xlm", "xlnet", "transfo-xl"])
def test_what_is_out_of_sight_in_characters(name: str) -> None:
    """From `until` on there stands what the ids in sight stand for, whatever the tokenizer made of the spaces."""
    subject = golden_model(name)
    prompt = "The old keeper of the lighthouse told the children a story. The river was low that year."
    settings = SLIDE.changed(context_window=16, max_new_tokens=24, prefix="Once. " * 30, xlm_language="en")
    events = play(subject, prompt, settings)
    new = end(events).sequences[0]
    text = prompt + new.text
    told = [event for event in events if isinstance(event, Forgot)]
    assert told[0].at == 0 and told[-1].until > 0 > told[0].until
    ready = events[0]
    assert isinstance(ready, engine.events.Prepared)
    for event in told:
        cut = subject.family.head(subject, ready.ids) + event.tokens
        if event.until < 0 and name == "transfo-xl":
            continue  # its vocabulary lacks half of the prompt's words: nearly is all that can be had
        in_sight = [*ready.ids, *new.token_ids][cut:]
        shown = plain(text[max(0, len(prompt) + event.until) :])
        wanted = plain(subject.tokenizer.decode(in_sight, skip_special_tokens=True))
        # A character may lie on the border, some of its bytes on either side.
        assert shown.endswith(wanted[2:][-len(shown) :])
        assert abs(len(shown) - len(wanted)) <= 2 or len(shown) == len(plain(text))


def plain(text: str) -> str:
    return "".join(text.lower().split())


def test_in_characters_to_the_letter_where_bytes_are_tokens(gpt2: LoadedModel) -> None:
    prompt = "the old river and the café"
    events = play(gpt2, prompt, SAMPLED.changed(context_window=16, max_new_tokens=60))
    new, given = end(events).sequences[0], gpt2.tokenizer.encode(prompt)
    for event in events:
        if isinstance(event, Forgot):
            before = gpt2.tokenizer.decode([*given, *new.token_ids][: event.tokens])
            hidden = (prompt + new.text)[: len(prompt) + event.until]
            assert hidden.rstrip("\ufffd").rstrip() == before.rstrip("\ufffd").rstrip()


def test_the_transcript_has_it(gpt2: LoadedModel) -> None:
    event = Forgot(1, 42, 16, -3, 2)
    told = {"sequence": 1, "at": 42, "tokens": 16, "until": -3, "head": 2}
    assert as_lines(event) == [("forgot", told)]
    assert event_of({"event": "forgot", **told}) == event


@pytest.mark.parametrize("kind", ["gpt2", "openai-gpt", "llama", "transfo-xl-same", "xlnet"])
def test_a_token_costs_as_much_at_any_length(kind: str) -> None:
    """Counted in ids that are put through the model: four a token, and no more at the 600th than at the 60th."""
    subject = model(kind)
    each = 3 if kind == "xlnet" else 1  # a step's own width: the last two and the dummy
    costs = []
    for length in (100, 600):
        subject.runner.reset()
        with counted(subject) as widths:
            play(subject, START, SLIDE.changed(context_window=32, max_new_tokens=length))
        costs.append(sum(widths))
    assert (costs[1] - costs[0]) / 500 <= 3 + each


@pytest.mark.parametrize("kind", ["gpt2", "xlm", "xlm-noncausal", "transfo-xl-same", "llama"])
def test_a_walk_equals_what_is_seen_from_nothing(kind: str) -> None:
    """Steps, forks, ways back, other windows in any order."""
    draw, subject = random.Random(3), made(kind)
    runner = SlidingRunner(runner_for(subject))
    for _ in range(4):
        runner.window = draw.choice([None, Window(16), Window(16, 1), Window(20, 2)])
        prompt = [draw.randrange(5, VOCABULARY - 25) for _ in range(draw.randint(1, 40))]
        rows = [list(prompt)] * 2
        logits, _ = runner.prefill(prompt, 2)
        for _ in range(30):
            assert runner.ids.tolist() == rows and runner.length == len(rows[0])
            for row, found in zip(rows, logits, strict=True):
                seen = row if runner.window is None else [i for part in runner.window.seen(len(row)) for i in row[part]]
                assert runner.seen == len(seen)
                torch.testing.assert_close(found, runner_for(subject).prefill(seen)[0][0], atol=2e-5, rtol=1e-5)
            if draw.random() < 0.2:
                chosen = [draw.randrange(len(rows)) for _ in range(draw.randint(1, 3))]
                runner.fork(chosen)
                rows = [rows[i] for i in chosen]
            if draw.random() < 0.2:
                length = draw.randint(1, len(rows[0]))
                runner.rewind(length)
                rows = [row[:length] for row in rows]
            if draw.random() < 0.1 or len(rows[0]) > 44:
                runner.window = draw.choice([Window(16), Window(16, 1), Window(20, 2)])
            new = [draw.randrange(5, VOCABULARY - 25) for _ in rows]
            logits = runner.step(torch.tensor(new))
            rows = [[*row, token] for row, token in zip(rows, new, strict=True)]


def test_the_next_token_after_a_long_prompt_can_be_looked_at(tmp_path: Path) -> None:
    from engine.inspection import next_token

    subject = tiny_gpt2(n_positions=32)
    table = next_token(subject, "the old river " * 20, SLIDE)
    assert len(table.candidates) == 12
