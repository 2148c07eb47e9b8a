"""Token healing: the prompt's end is said again in tokens of the model's own, and what is read goes on from it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import engine
from engine import Settings
from engine.events import Beams, Finished, Prepared, Tail, Token
from engine.generation import prepared
from engine.models.loaded import LoadedModel
from engine.sampling.healing import Healing, Vocabulary
from engine.session.transcript import as_lines
from tests.models import PROMPT, end, golden_model, ids, loaded, metaspace_tokenizer, play, tiny_gpt2
from tests.paths import needs_golden

HEALED = Settings(strategy="greedy", token_healing=True, max_new_tokens=6)
WAYS: list[dict[str, Any]] = [
    {"strategy": "greedy"},
    {"strategy": "sample", "num_return_sequences": 3},
    {"strategy": "beam", "num_beams": 4},
    {"strategy": "diverse-beam", "num_beams": 4},
    {"strategy": "constrained-beam", "force_words_ids": [[300, 9]]},
    {"strategy": "contrastive", "top_k": 4},
    {"strategy": "dola", "dola_layers": "high", "do_sample": False},
    {"strategy": "assisted"},
    {"strategy": "sample", "guidance_scale": 1.5},
]


@pytest.fixture(scope="module")
def own() -> LoadedModel:
    """The model that comes with the program, which knows words."""
    return engine.load(None, device="cpu")


def naive(model: LoadedModel, ready: Prepared) -> list[int]:
    """All tokens that may come first, by their definition, from every token's own text."""
    assert ready.tail is not None
    tail, cuts = ready.tail.text.encode(), ready.tail.cuts
    vocabulary = Vocabulary(model)
    texts = {token: vocabulary.text([token]) for token in range(model.vocabulary_size)}
    parts = {tail[:cut] for cut in cuts}
    return [token for token, text in texts.items() if text and (text.startswith(tail) or text in parts)]


@pytest.mark.parametrize(
    ("prompt", "tail", "word"),
    [
        ("Once upon a time there was a li", " li", " little"),
        ("The childr", " childr", None),
        ("The old man went to the ", " ", None),
    ],
)
def test_a_tail_is_said_by_the_likeliest_token_that_can(
    own: LoadedModel, prompt: str, tail: str, word: str | None
) -> None:
    ready = prepared(own, prompt, HEALED)
    assert ready.tail is not None and ready.tail.text == tail and ready.text == prompt
    assert [note.code for note in ready.notes if note.code == "healed"] == ["healed"]
    whole = own.tokenizer.encode(prompt)
    assert list(ready.ids) == whole[: len(ready.ids)]
    assert own.tokenizer.decode(whole[len(ready.ids) :]) == tail
    events = play(own, prompt, HEALED)
    allowed = naive(own, ready)
    with torch.inference_mode():
        logits = own.model(torch.tensor([ready.ids]), use_cache=False).logits[0, -1]
    assert ids(events)[0] == max(allowed, key=lambda token: float(logits[token]))
    assert word is None or own.piece(ids(events)[0]) == word
    said = "".join(map(own.piece, ids(events)))
    assert said.startswith(tail) and prompt + end(events).sequences[0].text == prompt + said[len(tail) :]
    assert "".join(event.text for event in events if isinstance(event, Token)) == said[len(tail) :]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way["strategy"])
def test_whatever_decodes_the_prompt_reads_on(own: LoadedModel, way: dict[str, Any]) -> None:
    prompt = "Once upon a time there was a li"
    events = play(own, prompt, HEALED.changed(max_new_tokens=8, **way))
    for sequence in end(events).sequences:
        said = own.tokenizer.decode(sequence.token_ids, clean_up_tokenization_spaces=False)
        assert said.startswith(" li") and sequence.text == said[3:]
    for event in events:
        if isinstance(event, Beams) and not event.settled:
            assert all(("li" + beam.text).isprintable() and not beam.text.startswith(" li") for beam in event.running)


def test_a_stop_text_in_what_the_prompt_has_already_is_none(own: LoadedModel) -> None:
    for strategy in ("greedy", "beam"):
        settings = HEALED.changed(strategy=strategy, stop_strings=("li",), max_new_tokens=3)
        (sequence,) = end(play(own, "Once upon a time there was a li", settings)).sequences
        assert sequence.finish_reason == "length" and len(sequence.token_ids) == 3


def test_a_length_that_is_short_is_still_enough_to_say_it(own: LoadedModel) -> None:
    for length in (1, 2, 3):
        (sequence,) = end(play(own, "The childr", HEALED.changed(max_new_tokens=length))).sequences
        said = own.tokenizer.decode(sequence.token_ids)
        assert said.startswith(" childr") and len(sequence.token_ids) <= length


def test_what_cannot_be_healed_stays(own: LoadedModel) -> None:
    whole = "Once upon a time.\n"
    found = own.tokenizer.encode(whole)
    assert prepared(own, found, HEALED).tail is None
    assert prepared(tiny_gpt2(), "t", HEALED).tail is None  # there would be nothing left to go on from
    plain = play(own, found, HEALED.changed(token_healing=False))
    assert ids(play(own, found, HEALED)) == ids(plain)
    formed = prepared(own, "a li", HEALED.changed(form_regex="a+"))
    assert formed.tail is None and formed.notes[-1].text.startswith("No effect: token_healing")


def test_a_run_that_goes_on_says_first_what_was_left(own: LoadedModel) -> None:
    """The ids of a run that was stopped at once lack the tail; their text does not."""
    prompt = "Once upon a time there was a li"
    ready = prepared(own, prompt, HEALED)
    again = play(own, list(ready.ids), HEALED, text=prompt)
    assert isinstance(again[0], Prepared) and again[0].tail == Tail(" li", (), 3)
    assert end(again).sequences[0].text == end(play(own, prompt, HEALED)).sequences[0].text
    first = play(own, prompt, HEALED)
    on = [*ready.ids, *ids(first)]
    more = play(own, on, HEALED, text=prompt + end(first).sequences[0].text)
    assert isinstance(more[0], Prepared) and more[0].tail is None


def test_a_half_character_is_not_cut_from_its_other_half() -> None:
    model = tiny_gpt2()
    for prompt in ("the café", "the ☃", "naïv"):
        ready = prepared(model, prompt, HEALED)
        assert ready.tail is None or prompt.endswith(ready.tail.text)
        (sequence,) = end(play(model, prompt, HEALED)).sequences
        said = model.tokenizer.decode([*ready.ids, *sequence.token_ids])
        assert prompt + sequence.text == said


def test_words_with_their_space_in_front() -> None:
    tokenizer = metaspace_tokenizer()
    model = loaded(tiny_gpt2(vocab_size=len(tokenizer)).model, tokenizer)
    ready = prepared(model, "the old ri", HEALED)
    assert ready.tail is not None and ready.tail.text == " ri"
    (sequence,) = end(play(model, "the old ri", HEALED.changed(max_new_tokens=1))).sequences
    assert (model.piece(sequence.token_ids[0]), sequence.text) == (" river", "ver")
    assert model.vocabulary.text(tokenizer.convert_tokens_to_ids(["<0xC3>", "<0xA9>", "▁the"])) == "é the".encode()


@needs_golden
@pytest.mark.parametrize("name", ["gpt2", "llama", "openai-gpt", "ctrl", "xlnet", "xlm", "transfo-xl"])
def test_every_family_reads_on_or_is_left_alone(name: str) -> None:
    model, prompt = golden_model(name), "Books The chi"
    settings = HEALED.changed(xlm_language="en")
    events = play(model, prompt, settings)
    assert isinstance(events[0], Prepared) and isinstance(events[-1], Finished)
    if name == "transfo-xl":  # whole words: an unknown one stands for no text
        assert events[0].tail is None
        return
    assert events[0].tail is not None and prompt.lower().endswith(events[0].tail.text)
    told = as_lines(events[0])[0][1]
    whole = model.tokenizer.decode([*told["ids"], *ids(events)], clean_up_tokenization_spaces=True)
    text = "".join((prompt + end(events).sequences[0].text).lower().split())
    assert "".join(whole.lower().replace("@@ ", "").split()).endswith(text.removesuffix("@@"))


def test_only_the_old_cuts_or_whole_tokens_are_allowed(gpt2: LoadedModel) -> None:
    vocabulary = gpt2.vocabulary
    tail = b" the river"
    healing = Healing(vocabulary, tail, (4,))
    first = {vocabulary.text([token]) for token in healing.allowed(b"", 9) or ()}
    assert b" the" in first and all(text and (text == b" the" or text.startswith(tail)) for text in first)
    second = {vocabulary.text([token]) for token in healing.allowed(b" the", 8) or ()}
    assert b" river" in second and all(text and text.startswith(b" river") for text in second)
    assert healing.allowed(tail, 7) is None
    assert vocabulary.text([*PROMPT[:2], 299]) is None  # the end of text stands for none
