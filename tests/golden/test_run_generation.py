"""Complete runs of the old example script, played again by the command that replaces it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from engine.run_generation import main
from tests.paths import GOLDEN, golden_cases, needs_golden

pytestmark = needs_golden
FAMILIES = ("gpt2", "openai-gpt", "ctrl", "xlnet", "xlm", "transfo-xl", "transfo-xl-div4")
RUNS = {
    run["id"]: run
    for run in golden_cases("run_generation")["runs"]
    if {f"checkpoints/{name}" for name in FAMILIES} & set(run["argv"])
}
MARK = "=== GENERATED SEQUENCE 1 ===\n"
PLAIN = "gpt2_p0"

# Runs that are to differ, and why.
STOP_ABSENT = "gpt2_stop_missing"  # nothing is cut where the stop text never comes; the script cut the last character
STOP_IN_PROMPT = "gpt2_stop_in_prompt"  # the stop text is looked for in the continuation alone
ASKS = "gpt2_asks_prompt"  # the question goes to standard error, and only where a person sits at a terminal
NO_TOKENS = "gpt2_length_0"  # no token is none; the library of that time gave one all the same
TOO_LONG = ("gpt2_length_-1", "gpt2_length_500")  # clipped to the model's positions; the script ran past them
REFUSED = ("bad_type", "gpt2_temp0")  # exit status 2 and one line, instead of a traceback
# Drawn for real: the script seeded first and then loaded the model, which drew from the same stream.
SEEDED = ("gpt2_seeded_k0_p0.9", "gpt2_seeded_k5_seed7")
SEEDED_TOO = ("openai-gpt_seeded", "ctrl_seeded", "xlnet_seeded", "xlm_seeded", "transfo-xl_seeded")
# A language that is missing or unknown is an error that lists them; the script asked on standard input.
NO_LANGUAGE = ("xlm_asks_language", "xlm_unknown_language")
DIFFERENT = {STOP_ABSENT, STOP_IN_PROMPT, ASKS, NO_TOKENS, *TOO_LONG, *REFUSED, *SEEDED, *SEEDED_TOO, *NO_LANGUAGE}
# What the script logged, and the note that says it now.
LOGGED = {
    "CTRL typically works better": "CTRL works better with a low temperature",
    "You are not starting your generation from a control code": "is no control code",
}


def play(run: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The run's own arguments, with the checkpoint's whole path, on the CPU."""
    typed = io.TextIOWrapper(io.BytesIO(run.get("stdin", "").encode()))
    monkeypatch.setattr("sys.stdin", typed)
    argv = [str(GOLDEN / word) if word.startswith("checkpoints/") else word for word in run["argv"]]
    return main([*argv, "--device", "cpu"])


@pytest.mark.parametrize("name", sorted(RUNS.keys() - DIFFERENT))
def test_the_same_flags_print_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = play(RUNS[name], monkeypatch)
    captured = capsys.readouterr()
    printed = captured.out
    assert printed == RUNS[name]["stdout"]
    assert len(texts) == printed.count("=== GENERATED SEQUENCE")
    assert printed.endswith(texts[-1] + "\n")
    logged = " ".join(record["message"] for record in RUNS[name]["log"])
    assert all((said in logged) == (now in captured.err) for said, now in LOGGED.items())


def test_all_runs_of_the_families_are_here() -> None:
    assert RUNS.keys() >= DIFFERENT
    assert len(RUNS) >= 50


@pytest.mark.parametrize("name", NO_LANGUAGE)
def test_an_xlm_model_wants_to_know_its_language(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        play(RUNS[name], monkeypatch)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "must be one of en, fr" in printed.err and printed.err.count("\n") == 1


@pytest.mark.parametrize("name", SEEDED_TOO)
def test_a_seed_gives_one_text(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (first,), (second,) = play(RUNS[name], monkeypatch), play(RUNS[name], monkeypatch)
    assert first == second != RUNS[name]["argv"][5]


@pytest.mark.parametrize("name", [STOP_ABSENT, STOP_IN_PROMPT])
def test_a_stop_text_that_does_not_come_cuts_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(RUNS[name], monkeypatch)
    assert capsys.readouterr().out == RUNS[PLAIN]["stdout"]


def test_the_prompt_may_come_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(RUNS[ASKS], monkeypatch)
    assert capsys.readouterr().out == RUNS[ASKS]["stdout"].removeprefix("Model prompt >>> ")


def test_no_new_tokens_are_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    play(RUNS[NO_TOKENS], monkeypatch)
    assert capsys.readouterr().out == MARK + "The old lighthouse keeper\n"


@pytest.mark.parametrize("name", TOO_LONG)
def test_a_length_beyond_the_model_is_clipped(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(RUNS[name], monkeypatch)
    printed = capsys.readouterr()
    assert printed.out.startswith(RUNS["gpt2_length_100"]["stdout"].removesuffix("\n").removesuffix("\ufffd"))
    assert ("at most 118 new ones fit" in printed.err) == (name == "gpt2_length_500")


def test_a_seed_draws_what_the_library_draws_from_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the same flags, seeded right before: the reference is the library's own case, four tokens longer."""
    case = next(case for case in golden_cases("gpt2")["cases"] if case["id"] == "p0.topp0.9")
    (text,) = play(RUNS[SEEDED[0]], monkeypatch)
    assert case["text"][0].startswith(text.rstrip("\ufffd"))
    assert len(text) > len("The old lighthouse keeper") + 10


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_script_failed_on_is_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        play(RUNS[name], monkeypatch)
    assert exit_.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
