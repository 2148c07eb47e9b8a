"""The headless command: what it prints where, and how it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Settings
from engine.events import Finished, Token
from engine.models.loaded import LoadedModel
from engine.run_generation import main
from engine.session import transcript_file
from engine.session.reading import read
from engine.settings import PARAMETERS
from tests.models import play, saved, tiny_gpt2
from tests.paths import REPOSITORY

PROMPT = "the old river"
MARK = "=== GENERATED SEQUENCE 1 ===\n"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = saved(tiny_gpt2(), tmp_path_factory.mktemp("checkpoint"))
    return engine.load(str(folder), device="cpu")


class Command:
    """Runs the command with this model, and keeps what it wrote."""

    def __init__(self, model: LoadedModel, capsys: pytest.CaptureFixture[str]) -> None:
        self._model = model
        self._capsys = capsys
        self.texts: list[str] = []
        self.err = ""

    def __call__(self, *words: str, prompt: str | None = PROMPT) -> str:
        given = [] if prompt is None else ["--prompt", prompt]
        self._capsys.readouterr()
        self.texts = main(["--model_name_or_path", self._model.name, "--device", "cpu", *given, *words])
        out, self.err = self._capsys.readouterr()
        return str(out)

    def refused(self, *words: str, prompt: str | None = PROMPT) -> str:
        """What it says as it refuses: one line on standard error, nothing on standard output, exit status 2."""
        with pytest.raises(SystemExit) as exit_:
            self(*words, prompt=prompt)
        out, err = self._capsys.readouterr()
        assert (exit_.value.code, out) == (2, "")
        assert err.count("\n") == 1 and err.endswith("\n")
        assert err.startswith("textgen-tui: ")
        assert err.removesuffix("\n").isprintable()
        return str(err)


@pytest.fixture
def command(model: LoadedModel, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(model, capsys)


def finished(model: LoadedModel, **settings: Any) -> Finished:
    last = play(model, PROMPT, Settings(**settings))[-1]
    assert isinstance(last, Finished)
    return last


def test_text(command: Command, model: LoadedModel) -> None:
    printed = command()
    assert printed == MARK + PROMPT + finished(model).sequences[0].text + "\n"
    assert command.texts == [printed.removeprefix(MARK).removesuffix("\n")]
    assert command.err == ""


def test_several_sequences(command: Command, model: LoadedModel) -> None:
    printed = command("--num_return_sequences", "3", "--seed", "4")
    wanted = [PROMPT + finished(model, seed=4 + i).sequences[0].text for i in range(3)]
    assert command.texts == wanted
    assert printed == "".join(f"=== GENERATED SEQUENCE {i} ===\n{text}\n" for i, text in enumerate(wanted, 1))


def test_json(command: Command, model: LoadedModel) -> None:
    several = ("--num_return_sequences=2", "--prefix", "told of ", "--length", "200", "--eos_token_id", "off")
    document = json.loads(command("--json", *several))
    assert list(document) == [
        "model", "family", "strategy", "seed", "prompt", "prepared_prompt", "prompt_token_ids", "notes",
        "sequences", "timing",
    ]  # fmt: skip
    assert (document["family"], document["strategy"], document["seed"]) == ("gpt2", "sample", 42)
    assert (document["prompt"], document["prepared_prompt"]) == (PROMPT, "told of " + PROMPT)
    assert document["prompt_token_ids"] == model.tokenizer.encode("told of " + PROMPT)
    assert [note["code"] for note in document["notes"]] == ["length-clipped", "positions-full"]
    assert document["notes"][0]["text"] in command.err and command.err.startswith("info: ")
    assert len(document["sequences"]) == 2
    for text, sequence in zip(command.texts, document["sequences"], strict=True):
        assert text == sequence["text"] == PROMPT + sequence["continuation"]
        assert model.tokenizer.decode(sequence["token_ids"]) == sequence["continuation"]
        assert len(sequence["logprobs"]) == len(sequence["token_ids"]) == 64 - len(document["prompt_token_ids"])
        assert (sequence["score"], sequence["finish_reason"]) == (None, "length")
    assert document["timing"].keys() == {"prefill_s", "decode_s", "tokens_per_s"}


def test_the_old_names_of_flags(command: Command) -> None:
    new = command("--max-new-tokens", "9", "--top_k", "5", "--top_p", "0.8", "--prefix", "a", "--device", "cpu")
    assert command("--length", "9", "--k", "5", "--p", "0.8", "--padding_text", "a", "--no_cuda") == new
    assert command("--length=9", "--k=5", "--p=0.8", "--padding-text=a", "--no-cuda") == new
    # A setting's own name counts before its older one, whichever comes first.
    assert command("--length", "9", "--k", "5", "--p", "0.8", "--padding_text", "b", "--prefix", "a") == new
    assert command("--length", "9", "--k", "5", "--p", "0.8", "--prefix", "a", "--padding_text", "b") == new
    assert command("--length", "3", "--k", "5", "--p", "0.8", "--prefix", "a", "--length", "9") == new


def test_hyphens_and_underscores_are_the_same(command: Command) -> None:
    wanted = command("--repetition_penalty", "1.5", "--max_new_tokens", "7", "--no_repeat_ngram_size", "2")
    assert command("--repetition-penalty", "1.5", "--max-new-tokens=7", "--no-repeat-ngram_size", "2") == wanted


def test_a_value_keeps_its_hyphens(command: Command) -> None:
    assert command("--prompt=--the-old-river", prompt=None).startswith(MARK + "--the-old-river")


@pytest.mark.parametrize("strategy", ["sample", "greedy"])
def test_a_stream_prints_the_same(command: Command, strategy: str) -> None:
    for seed in ("1", "2", "3"):
        words = ("--seed", seed, "--length", "40", "--strategy", strategy)
        assert command("--stream", *words) == command(*words)


def test_a_stream_prints_the_same_with_a_stop_text(command: Command, model: LoadedModel) -> None:
    """Every stop text that could be: within a token, over several, and beginnings of it that come to nothing."""
    whole = finished(model, max_new_tokens=40).sequences[0].text
    for start in range(0, len(whole) - 4, 5):
        for length in (1, 2, 4):
            words = ("--length", "40", "--stop_token", whole[start : start + length])
            printed = command(*words)
            assert len(printed) < len(MARK + PROMPT + whole)
            assert command("--stream", *words) == printed
    for nearly in (whole[5:8] + "#", whole[-2:] + "#"):
        words = ("--length", "40", "--stop_token", nearly)
        assert command("--stream", *words) == command(*words) == MARK + PROMPT + whole + "\n"


def test_a_stream_comes_piece_by_piece(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Flushed(io.StringIO):
        flushes = 0

        def flush(self) -> None:
            self.flushes += 1

    out = Flushed()
    monkeypatch.setattr("sys.stdout", out)
    main(["--model_name_or_path", model.name, "--prompt", PROMPT, "--stream", "--length", "12"])
    assert out.flushes >= 12


def test_a_setting_changes_on_the_way(command: Command, model: LoadedModel) -> None:
    printed = command("--at", "5", "temperature=0.2", "--at", "5", "top-k=3", "--at", "9", "strategy=greedy", "--json")
    schedule: dict[int, dict[str, Any]] = {5: {"temperature": 0.2, "top_k": 3}, 9: {"strategy": "greedy"}}
    events = play(model, PROMPT, Settings(), engine.Controls(schedule=schedule))
    wanted = [event.id for event in events if isinstance(event, Token)]
    assert json.loads(printed)["sequences"][0]["token_ids"] == wanted
    assert wanted != list(finished(model).sequences[0].token_ids)
    assert command("--at", "5", "k=3") == command("--at", "5", "top_k=3")


def test_a_record_is_written(command: Command, tmp_path: Path) -> None:
    record = tmp_path / "session.jsonl"
    document = json.loads(command("--record", str(record), "--at", "3", "top_k=1", "--json"))
    told = list(read(record))
    assert [line["event"] for line in told if line["event"] != "token"] == [
        "run",
        "prepared",
        "prefill",
        "change",
        "finish",
    ]
    assert [line["id"] for line in told if line["event"] == "token"] == document["sequences"][0]["token_ids"]
    assert told[0]["prompt"] == PROMPT


def test_a_record_whose_disk_fills_up_is_told_after_the_text(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, left = command(), [5]
    write = transcript_file._write

    def filling(descriptor: int, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write(descriptor, data)

    monkeypatch.setattr(transcript_file, "_write", filling)
    with pytest.raises(SystemExit) as leaving:
        command("--record", str(tmp_path / "session.jsonl"))
    out, err = capsys.readouterr()
    assert (leaving.value.code, out) == (2, wanted)
    assert [line.split(":")[0] for line in err.splitlines()] == ["warning", "textgen-tui"]
    assert err.count("No space left") == 2
    assert len(list(read(tmp_path / "session.jsonl"))) == 5


def test_the_prompt_may_come_on_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = command()
    for typed in (PROMPT, PROMPT + "\n"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        assert command(prompt=None) == wanted
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"two\nlines\n\n")))
    assert command(prompt=None).startswith(MARK + "two\nlines\n")
    assert command.texts[0].startswith("two\nlines\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"broken \xff")))
    assert command(prompt=None).startswith(MARK + "broken \ufffd")


def test_output_that_cannot_be_encoded_is_escaped(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    main(["--model_name_or_path", model.name, "--prompt", "café", "--length", "1"])
    assert b"caf\\xe9" in out.buffer.getvalue()


REFUSED: dict[str, tuple[list[str], str]] = {
    "unknown flag": (["--no-such-flag"], "unrecognized arguments: --no_such_flag"),
    "a word too many": (["word"], "unrecognized arguments: word"),
    "shortened flag": (["--temp", "1"], "--temp"),
    "no value": (["--temperature"], "expected one argument"),
    "no number": (["--temperature", "warm"], "temperature warm: must be a number more than 0, at most 100"),
    "temperature 0": (["--temperature", "0"], "temperature 0: must be a number more than 0"),
    "top-p": (["--p", "1.2"], "top_p 1.2: must be a number at least 0, at most 1"),
    "top-k": (["--k", "-1"], "top_k -1: must be a whole number at least 0"),
    "not a number": (["--top_p", "nan"], "top_p nan: must be"),
    "seed": (["--seed", "-5"], "seed -5"),
    "length": (["--length", "1.5"], "max_new_tokens 1.5"),
    "ids": (["--eos_token_id", "x"], "eos_token_id x: must be a list of token ids"),
    "strategy": (["--strategy", "none such"], "must be one of greedy, sample"),
    "several greedy": (["--strategy", "greedy", "--num_return_sequences", "2"], "greedy gives one sequence"),
    "stream of several": (["--stream", "--num_return_sequences", "2"], "--stream prints one sequence"),
    "stream of JSON": (["--stream", "--json"], "--stream prints one sequence"),
    "device": (["--device", "abacus"], "device abacus: must be auto, cpu, cuda, cuda:N, mps or all"),
    "dtype": (["--dtype", "int3"], "dtype int3: must be one of auto"),
    "family": (["--model_type", "bert"], "model type bert: unknown; must be one of"),
    "no model": (["--model_name_or_path", "./nowhere"], "./nowhere: no such file or folder"),
    "no hub": (["--model_name_or_path", "nobody/nothing"], "the hub is out of reach"),
    "a folder of nothing": (["--model_name_or_path", "tests"], "no config.json"),
    "at nothing": (["--at", "x", "top_k=1"], "--at x top_k=1: must be a token's number"),
    "at without value": (["--at", "3", "top_k"], "must be a token's number from 0 on, then name=value"),
    "at an unknown name": (["--at", "3", "topk=1"], "topk: no such setting; did you mean top_k"),
    "at a value out of bounds": (["--at", "3", "top_p=7"], "top_p 7: must be a number at least 0, at most 1"),
    "at what is not live": (["--at", "3", "seed=7"], "seed takes effect at the next run"),
    "at one word": (["--at", "3"], "expected 2 arguments"),
    "control characters": (["--temperature", "\x1b]0;x\x07\n"], "temperature"),
    "a long value": (["--temperature", "9" * 5000], "temperature"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_is_one_line(command: Command, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    words, said = REFUSED[how]
    assert said in command.refused(*words)


def test_prompts_that_cannot_be(command: Command, model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "shorten it by" in command.refused(prompt="the river " * 50)
    assert "shorten it by" in command.refused("--stream", prompt="the river " * 50)
    tiny = tiny_gpt2(bos_token_id=None, eos_token_id=None)
    tiny.tokenizer = type(tiny.tokenizer)(tokenizer_object=tiny.tokenizer.backend_tokenizer)
    monkeypatch.setattr("engine.models.load.load", lambda *_, **__: tiny)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "type something" in command.refused(prompt=None)


def test_a_record_that_cannot_be_written(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in command.refused("--record", str(tmp_path / "file" / "below.jsonl"))
    assert "no transcript" in command.refused("--record", str(tmp_path / "file"))


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    for parameter in PARAMETERS.values():
        assert all(flag in text for flag in (f"--{parameter.name}", *parameter.flags))
