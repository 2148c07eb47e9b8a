"""Prompts as conversations: how they are typed, what a chat template makes of them, and what comes of the run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import run_generation
from engine.chat_template import MOST_CHARACTERS, MOST_STEPS
from engine.controls import Controls
from engine.conversation import ROLES, Turn, begins_reply, next_turn, turns, typed, with_reply
from engine.events import Begun, Failed, Forgot, Prepared, Token
from engine.generation import prepared
from engine.inspection import next_token
from engine.models.loaded import LoadedModel
from engine.replay_command import main as replay
from engine.scoring import score_text, scored
from engine.settings import Settings
from tests.models import CHATML, END, TURN_END, byte_level_tokenizer, end, ids, play, saved, tiny_chat, tiny_gpt2
from tests.paths import GOLDEN, needs_golden

CHAT = Settings(chat=True, strategy="greedy", max_new_tokens=6, eos_token_id=None)
TALK = "user:\nthe old river\n\nassistant:\nthe lighthouse\n\nuser:\nand the keeper?"


@pytest.fixture(scope="module")
def chat() -> LoadedModel:
    return tiny_chat()


def asked(model: LoadedModel, conversation: list[Turn], **options: Any) -> tuple[int, ...]:
    """The ids by the library alone."""
    messages = [{"role": turn.role, "content": turn.text} for turn in conversation]
    return tuple(model.tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, **options))


def codes(ready: Prepared) -> list[str]:
    return [note.code for note in ready.notes]


def refused(model: LoadedModel, prompt: str = "the old", settings: Settings = CHAT) -> str:
    """Why a run fails, in one line."""
    (event,) = play(model, prompt, settings)
    assert isinstance(event, Failed) and "\n" not in event.error and len(event.error) < 300
    return event.error


# As it is typed


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("the old", [("user", "the old")]),
        ("", []),
        (" \n ", []),
        ("user:\na\nb\n\n\nassistant: \n\nc", [("user", "a\nb"), ("assistant", "c")]),
        ("before\nsystem:\nx", [("user", "before"), ("system", "x")]),
        ("user:\na\n\nassistant:\nso \n", [("user", "a"), ("assistant", "so \n")]),
        ("user: a", [("user", "user: a")]),
        ("a\n\\user:\n\\\\assistant:\n\\x", [("user", "a\nuser:\n\\assistant:\n\\x")]),
        ("User:\nuser:\n", [("user", "User:"), ("user", "")]),
    ],
)
def test_a_prompt_is_read_as_turns(prompt: str, said: list[tuple[str, str]]) -> None:
    assert [(turn.role, turn.text) for turn in turns(prompt)] == said


_LINES = st.lists(
    st.sampled_from(["user:", "\\user:", "\\\\assistant: ", "system:", "a", " b ", "", "user: x"]), max_size=5
)
_TURNS = st.builds(Turn, st.sampled_from(ROLES), _LINES.map("\n".join).map(lambda text: text.strip("\n")))


@given(st.lists(_TURNS, min_size=1, max_size=5), st.sampled_from(["", "x", "user:", " y\nassistant:"]))
def test_any_conversation_is_typed_so_that_it_is_read_back(conversation: list[Turn], reply: str) -> None:
    assert turns(typed(conversation)) == conversation
    answered = turns(with_reply(typed(conversation), reply))
    last = conversation[-1]
    if last.role == "assistant":
        assert answered == [*conversation[:-1], Turn("assistant", last.text + reply)]
    else:
        assert answered == [*conversation, Turn("assistant", reply)]
    *before, room = turns(next_turn(typed(conversation), reply))
    assert room == Turn("user", "") and [turn.role for turn in before] == [turn.role for turn in answered]
    assert begins_reply(next_turn(typed(conversation), reply))


# What the template makes of it


def test_the_ids_are_the_librarys_own(chat: LoadedModel) -> None:
    raw = prepared(chat, "the old", CHAT.changed(chat=False))
    assert raw.ids == tuple(byte_level_tokenizer().encode("the old")) and "chat-template" not in codes(raw)
    for prompt in ("the old", TALK):
        ready = prepared(chat, prompt, CHAT)
        assert ready.ids == asked(chat, turns(prompt), add_generation_prompt=True)
        assert ready.text == chat.tokenizer.decode(list(ready.ids))
        (note,) = [note for note in ready.notes if note.code == "chat-template"]
        assert ready.text in note.text
    begun = f"{TALK}\n\nassistant:\nthe keeper "
    ready = prepared(chat, begun, CHAT)
    assert ready.ids == asked(chat, turns(begun), continue_final_message=True)
    assert ready.text.endswith("assistant\nthe keeper ") and "trailing-space" in codes(ready)
    empty = prepared(chat, f"{TALK}\nassistant:\n\n", CHAT)
    assert empty.ids == prepared(chat, TALK, CHAT).ids, "a turn that is only begun is the answer's"


@needs_golden
def test_a_checkpoint_with_a_template_beside_it(tmp_path: Path) -> None:
    folder = shutil.copytree(GOLDEN / "checkpoints" / "llama", tmp_path / "llama")
    template = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    (folder / "chat_template.jinja").write_text(template + "{% if add_generation_prompt %}[assistant]{% endif %}")
    facts = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(facts | {"bos_token": "<|endoftext|>"}))
    model = engine.load(str(folder), device="cpu")
    settings = CHAT.changed(system_prompt="the sea")
    ready = prepared(model, TALK, settings)
    assert ready.ids == asked(model, [Turn("system", "the sea"), *turns(TALK)], add_generation_prompt=True)
    assert ready.ids.count(ready.ids[0]) == 1, "the start of text is not doubled"
    assert model.turn_end is None, "a template without a mark of its own ends nothing"
    assert next_token(model, TALK, settings).prepared == ready
    negative = CHAT.changed(negative_prompt="the storm", guidance_scale=1.5)
    assert ids(play(model, "the storm", negative)) == ids(play(model, "the storm", CHAT)), "guided away from itself"


def test_what_goes_with_a_chat_and_what_does_not(chat: LoadedModel) -> None:
    told = prepared(chat, "the old", CHAT.changed(system_prompt="the sea", prefix="before", token_healing=True))
    assert told.ids == asked(chat, [Turn("system", "the sea"), Turn("user", "the old")], add_generation_prompt=True)
    quiet = [note.text for note in told.notes if note.code == "no-effect"]
    assert [text.split(":")[1].split(";")[0].strip() for text in quiet] == ["prefix", "token_healing"]
    own = prepared(chat, "system:\nx\nuser:\ny", CHAT.changed(system_prompt="the sea"))
    assert own.ids == asked(chat, turns("system:\nx\nuser:\ny"), add_generation_prompt=True)
    assert any("system_prompt" in note.text for note in own.notes)
    assert "marks" in codes(prepared(chat, "a <|im_end|>", CHAT))
    assert "no-chat" in codes(prepared(chat, "the old", Settings(system_prompt="x")))
    begun = "user:\na\nassistant:\nthe ol"
    healed = prepared(chat, begun, CHAT.changed(token_healing=True))
    assert healed.tail is not None and prepared(chat, begun, CHAT).ids[: len(healed.ids)] == healed.ids


def test_the_end_of_a_turn_ends_the_text(chat: LoadedModel) -> None:
    assert chat.turn_end == TURN_END and chat.eos_token_ids == (END,)
    picks = {2: TURN_END}
    for strategy in ("greedy", "sample"):
        settings = CHAT.changed(strategy=strategy)
        told = play(chat, "the old", settings, Controls(picks=dict(picks)))
        ended = end(told).sequences[0]
        assert [event.special for event in told if isinstance(event, Token)][-1], "it is no part of the answer"
        assert (ended.finish_reason, len(ended.token_ids)) == ("eos", 3)
        raw = end(play(chat, "the old", settings.changed(chat=False), Controls(picks=dict(picks)))).sequences[0]
        assert raw.finish_reason == "length"
    assert "turn-end" in codes(prepared(chat, "the old", CHAT))
    own = prepared(chat, "the old", CHAT.changed(eos_token_id=(7,)))
    assert "turn-end" not in codes(own), "a person's own end tokens are the only ones"
    beams = play(chat, "the old", CHAT.changed(strategy="beam", num_beams=2, sequence_bias=[[[TURN_END], 1000.0]]))
    assert end(beams).sequences[0].token_ids == (TURN_END,)


def test_text_that_follows_is_the_answers_beginning(chat: LoadedModel) -> None:
    whole = play(chat, TALK, CHAT)
    text = end(whole).sequences[0].text
    half = next(event for event in whole if isinstance(event, Prepared))
    on = prepared(chat, Begun(TALK, text), CHAT)
    assert on.text == half.text + text and on.ids[: len(half.ids)] == half.ids
    begun = f"{TALK}\nassistant:\nthe"
    assert prepared(chat, Begun(begun, " keeper"), CHAT).ids == prepared(chat, begun + " keeper", CHAT).ids
    raw = CHAT.changed(chat=False)
    assert prepared(chat, Begun("the", " old"), raw) == prepared(chat, "the old", raw)


def test_what_is_out_of_sight_is_told_of_the_typed_text(chat: LoadedModel) -> None:
    prompt = " ".join(f"the {number} keeper" for number in range(40))
    settings = CHAT.changed(overflow="slide", context_window=64)
    events = play(chat, prompt, settings)
    ready = next(event for event in events if isinstance(event, Prepared))
    forgot = next(event for event in events if isinstance(event, Forgot))
    head = chat.family.head(chat, ready.ids)
    left = chat.tokenizer.decode(list(ready.ids[head + forgot.tokens :])).partition("<|im_end|>")[0]
    assert prompt.endswith(left) and len(left) > 20
    told, own = (len("".join(text.split())) for text in (prompt[forgot.until :], left))
    assert told == own + len("assistant"), "the template's marks do not count, only the role that it names"


def test_a_score_is_that_of_the_answer(chat: LoadedModel) -> None:
    text = f"{TALK}\n\nassistant:\nthe keeper told"
    whole = asked(chat, turns(text), continue_final_message=True)
    given_ids = asked(chat, turns(TALK), add_generation_prompt=True)
    found = score_text(chat, text, CHAT)
    assert "".join(token.text for token in found.tokens) == "the keeper told"
    assert list(found.scores) == scored(chat, whole, len(given_ids))
    with pytest.raises(engine.PromptError, match="assistant's last turn"):
        score_text(chat, TALK, CHAT)


# What bad input gets


def test_without_a_template_or_without_words_it_is_refused(chat: LoadedModel) -> None:
    assert "no chat template" in refused(tiny_gpt2()) and "turn it off" in refused(tiny_gpt2())
    for prompt in ("", "\n", f"{TALK}\nassistant:\nx\nuser:\n", "user:\n \nassistant:\n"):
        assert "last turn is empty" in refused(chat, prompt)
    assert refused(chat, "a\udc80")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ raise_exception('System role\nnot supported') }}", "refuses this conversation: System role not supported"),
        ("{{ messages", "cannot be read"),
        ("{{ messages[0].pop('role') }}", "unsafe"),
        ("{{ messages[0].content.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", f"{MOST_STEPS:,} steps"),
        ("{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}", f"{MOST_CHARACTERS:,} characters"),
        ({"rag": CHATML}, "no default"),
    ],
)
def test_a_template_that_fails_is_told_in_one_line(template: Any, why: str) -> None:
    model = tiny_chat(template)
    assert why in refused(model)
    assert model.turn_end is None


def test_a_template_that_reads_no_answer_cannot_go_on_with_one() -> None:
    model = tiny_chat("{{ messages[0].content }}")
    assert ids(play(model, "the old", CHAT)) == ids(play(model, "the old", CHAT.changed(chat=False)))
    assert "does not appear" in refused(model, "a\nassistant:\nb")


def test_a_template_is_not_run_where_nobody_asked_for_it() -> None:
    model = tiny_chat("{{ messages[0].content.nothing_of_this_kind.at_all }}")
    play(model, "the old", CHAT.changed(chat=False))
    assert "turn_end" not in vars(model)
    assert "undefined" in refused(model) or "no attribute" in refused(model)


def test_of_several_templates_the_default_is_taken(chat: LoadedModel) -> None:
    several = tiny_chat({"tool_use": "{{ 1 / 0 }}", "default": CHATML})
    assert prepared(several, TALK, CHAT).ids == prepared(chat, TALK, CHAT).ids


# The record


def test_a_chat_is_recorded_and_played_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, record = saved(tiny_chat(), tmp_path / "chat"), tmp_path / "run.jsonl"
    options = ["--model_name_or_path", str(folder), "--length", "8", "--chat", "--record", str(record)]
    (text,) = run_generation.main([*options, "--prompt", TALK])
    out = capsys.readouterr()
    assert text.startswith(f"{TALK}\n") and text in out.out and "chat template made of it: <|im_start|>user␊" in out.err
    (begun,) = run_generation.main([*options, "--prompt", f"{TALK}\nassistant:\nthe", "--json"])
    assert begun.startswith(f"{TALK}\nassistant:\nthe")
    document = json.loads(capsys.readouterr().out)
    assert document["prepared_prompt"].endswith("assistant\nthe") and document["sequences"][0]["text"] == begun
    replay([str(record), "--verify", "--model_name_or_path", str(folder)])
    assert "identical: 2 runs, 16 tokens" in capsys.readouterr().out
