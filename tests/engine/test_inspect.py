"""The tokens of a text, and what the model was about to say."""

from __future__ import annotations

import json
import math

import pytest
import torch

from engine import PromptError, Settings
from engine.inspect_command import main
from engine.inspection import effect, next_token, tokens
from engine.models.loaded import LoadedModel
from tests.models import END, VOCABULARY, play, saved, tiny_gpt2

PROMPT = "the old river"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(saved(tiny_gpt2(), tmp_path_factory.mktemp("checkpoint")))


@torch.inference_mode()
def probabilities(model: LoadedModel) -> torch.Tensor:
    text = torch.tensor([model.tokenizer.encode(PROMPT)])
    return model.model(input_ids=text).logits[0, -1].double().softmax(dim=-1)


def test_tokens(gpt2: LoadedModel) -> None:
    found = tokens(gpt2, PROMPT + "😀<|endoftext|>")
    assert "".join(token.text for token in found[:4]) == PROMPT
    assert [token.text for token in found[4:8]] == ["\ufffd"] * 4
    assert (found[-1].id, found[-1].special, found[0].special) == (END, True, False)
    assert tokens(gpt2, "") == []


def test_the_table_is_the_model_s_distribution(gpt2: LoadedModel) -> None:
    wanted = probabilities(gpt2)
    table = next_token(gpt2, PROMPT, Settings(top_p=1.0), top=20)
    assert [c.id for c in table.candidates] == wanted.topk(20).indices.tolist()
    assert [c.raw_probability for c in table.candidates] == pytest.approx(wanted.topk(20).values.tolist(), abs=1e-6)
    assert [c.raw_rank for c in table.candidates] == list(range(1, 21))
    assert [c.probability for c in table.candidates] == pytest.approx([c.raw_probability for c in table.candidates])
    assert table.raw_entropy == pytest.approx(float(-(wanted * wanted.log2()).sum()), abs=1e-4)
    assert table.entropy == pytest.approx(table.raw_entropy)
    assert table.stages == ()


def test_the_table_after_the_stages(gpt2: LoadedModel) -> None:
    table = next_token(gpt2, PROMPT, Settings(top_p=1.0, top_k=2, temperature=2.0), top=5)
    assert table.stages == ("temperature", "top_k")
    first, second = (math.sqrt(p) for p in probabilities(gpt2).topk(2).values.tolist())
    kept = [c.probability for c in table.candidates]
    assert kept == pytest.approx([first / (first + second), second / (first + second), 0, 0, 0], abs=1e-5)
    assert [c.rank for c in table.candidates] == [1, 2, 3, 3, 3]
    assert table.entropy < 1.0


def test_looking_does_not_disturb_a_run(gpt2: LoadedModel) -> None:
    before = play(gpt2, PROMPT)
    next_token(gpt2, PROMPT, Settings())
    next_token(gpt2, "another", Settings())
    assert [type(e) for e in play(gpt2, PROMPT)] == [type(e) for e in before]
    assert len(next_token(gpt2, PROMPT, Settings(), top=10_000).candidates) == VOCABULARY


def test_a_prompt_that_does_not_fit(gpt2: LoadedModel) -> None:
    with pytest.raises(PromptError):
        next_token(gpt2, "the river " * 60, Settings())


def test_the_command_prints_a_table(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--model_name_or_path", folder, "--prompt", PROMPT + "\x1b", "--top", "3", "--k", "2"])
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "5 tokens: [the][␣o][ld][␣river][␛]"
    assert lines[1].startswith("ids: ")
    assert "top_k" in lines[3] and "entropy" in lines[3]
    assert len(lines) == 8 and " cut " in lines[-1]
    assert "\x1b" not in out and err == ""


def test_the_command_gives_json(folder: str, gpt2: LoadedModel, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--model_name_or_path", folder, "--prompt", PROMPT, "--top", "7", "--json", "--prefix", "a "])
    document = json.loads(capsys.readouterr().out)
    assert document["prepared_prompt"] == "a " + PROMPT
    assert [token["id"] for token in document["tokens"]] == gpt2.tokenizer.encode(PROMPT)
    assert document["prompt_token_ids"] == gpt2.tokenizer.encode("a " + PROMPT)
    assert len(document["next"]) == 7
    assert document["next"][0].keys() == {"id", "text", "raw_probability", "raw_rank", "probability", "rank"}
    assert document["stages"] == ["top_p"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--top", "0"], "--top 0: must be a whole number at least 1"),
        (["--top", "many"], "--top many"),
        (["--top", "\u00b2"], "--top"),
        (["--json", "--temperature", "0"], "temperature 0: must be"),
        (["--model_name_or_path", "./nowhere"], "no such file or folder"),
        (["--no-such"], "unrecognized arguments"),
        (["--prompt", "the river " * 60], "shorten it by"),
    ],
)
def test_the_command_refuses_in_one_line(
    folder: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--model_name_or_path", folder, "--prompt", PROMPT, *words])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_looking_leaves_no_trace(gpt2: LoadedModel) -> None:
    """A run after it meets the same cache, and so rounds the same."""
    play(gpt2, PROMPT)
    seen = gpt2.runner.ids.tolist()
    guided = Settings(guidance_scale=1.5, negative_prompt="the other", top_k=3)
    effect(gpt2, "quite another text", guided, "top_k")
    next_token(gpt2, "and another", guided)
    assert gpt2.runner.ids.tolist() == seen and "second_runner" not in vars(gpt2)
