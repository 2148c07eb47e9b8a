"""The tokens of a text, and what the model was about to say."""

from __future__ import annotations

import json
import math

import pytest
import torch
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from engine import PromptError, Settings
from engine.events import Prepared
from engine.inspect_command import main
from engine.inspection import effect, next_token, tokens
from engine.models.loaded import LoadedModel
from engine.sampling import RandomStreams, Sampler
from engine.sampling.stages import Context
from engine.weighing import weighed
from engine.weighing_table import table_lines
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
    assert lines[4].split() == ["raw", "top_k", "top_p"] and lines[6].split()[2:] == ["300", "2", "2"]
    assert len(lines) == 10 and lines[-1].split()[-2:] == ["cut", "cut"]
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
    assert [stage["stage"] for stage in document["by_stage"]] == ["raw", "top_p"]
    assert document["by_stage"][0]["tokens_left"] == VOCABULARY > document["by_stage"][1]["tokens_left"]


def test_each_stage_is_what_the_library_s_processors_make_of_the_one_before(gpt2: LoadedModel) -> None:
    settings = Settings(temperature=1.5, top_k=20, top_p=0.8, repetition_penalty=1.3, suppress_tokens=(5,))
    weighing = next_token(gpt2, PROMPT, settings, top=30).weighing
    names = ["raw", "repetition_penalty", "suppress_tokens", "temperature", "top_k", "top_p"]
    assert [stage.name for stage in weighing.stages] == names
    ids = torch.tensor([gpt2.tokenizer.encode(PROMPT)])
    scores = gpt2.model(input_ids=ids).logits[:, -1].detach()
    processors = [
        RepetitionPenaltyLogitsProcessor(1.3),
        SuppressTokensLogitsProcessor([5]),
        TemperatureLogitsWarper(1.5),
        TopKLogitsWarper(20),
        TopPLogitsWarper(0.8),
    ]
    for stage, processor in zip(weighing.stages, [None, *processors], strict=True):
        scores = scores if processor is None else processor(ids, scores)
        wanted = scores[0].double().softmax(dim=-1)
        assert list(stage.probabilities) == pytest.approx(wanted[list(weighing.ids)].tolist(), abs=1e-5)
        assert stage.left == int(scores.isfinite().sum())
        assert stage.entropy == pytest.approx(float(-torch.special.xlogy(wanted, wanted).sum() / math.log(2)), abs=1e-4)
        assert list(stage.ranks) == [1 + int((wanted > wanted[i]).sum()) for i in weighing.ids]
    assert {stage.left for stage in weighing.stages[-2:-1]} == {20}


def test_the_chosen_token_is_told_wherever_it_stands(gpt2: LoadedModel) -> None:
    ids, scores = torch.tensor([[1, 2, 3]]), torch.arange(float(VOCABULARY))[None]
    settings, ready = Settings(top_p=1.0, top_k=2, temperature=2.0), Prepared("", (1, 2, 3))
    sampler = Sampler(settings, Context.of(gpt2, ready, settings), RandomStreams(1))
    found = weighed(gpt2, ids, scores, sampler, 3, chosen=7)
    assert found.ids == (VOCABULARY - 1, VOCABULARY - 2, VOCABULARY - 3, 7) and found.chosen == 7
    assert [stage.rank for stage in found.stages] == [VOCABULARY - 7, VOCABULARY - 7, 3]
    assert found.stages[-1].probability == 0.0 and found.stages[0].probability == found.stages[0].probabilities[-1] > 0
    settings = Settings(sequence_bias=[[[4], 1000.0]])
    forced = Sampler(settings, Context.of(gpt2, ready, settings), RandomStreams(1))
    assert 4 in weighed(gpt2, ids, scores, forced, 3).ids, "what the settings bring up is there, however unlikely raw"


def test_a_narrow_table_leaves_out_stages_and_says_so(gpt2: LoadedModel) -> None:
    settings = Settings(temperature=1.5, top_k=20, top_p=0.8, min_p=0.01, typical_p=0.9)
    weighing = next_token(gpt2, PROMPT, settings, top=5).weighing
    for width in (160, 80, 60, 40):
        lines = table_lines(weighing, width)
        assert width < 60 or max(map(len, lines[1:])) <= width
        assert ("not shown" in lines[0]) == (width < 160) and "raw" in lines[0] and "typical_p" in lines[0]


def test_the_command_decodes_ids_and_searches_the_vocabulary(
    folder: str, gpt2: LoadedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = gpt2.tokenizer.encode(PROMPT + "😀")
    main(["--model_name_or_path", folder, "--decode", str(ids)])
    assert capsys.readouterr().out.splitlines()[0] == PROMPT + "😀"
    main(["--model_name_or_path", folder, "--vocabulary", "contains e and length 3-", "--json"])
    document = json.loads(capsys.readouterr().out)
    wanted = [i for i in range(VOCABULARY) if "e" in (t := gpt2.piece(i)).casefold() and len(t.strip(" ")) >= 3]
    assert [token["id"] for token in document["tokens"]] == wanted and document["count"] == len(wanted) > 3
    main(["--model_name_or_path", folder, "--text", "a<|endoftext|>"])
    assert "[<|endoftext|>*]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--top", "0"], "--top 0: must be a whole number at least 1"),
        (["--top", "many"], "--top many"),
        (["--top", "\u00b2"], "--top"),
        (["--json", "--temperature", "0"], "temperature 0: must be"),
        (["--model_name_or_path", "./nowhere"], "no such file or folder"),
        (["--no-such"], "unrecognized arguments"),
        (["--text", "x"], "give one of them"),
        (["--prompt", "", "--decode", "one"], "--decode one: must be token ids"),
        (["--prompt", "", "--decode", "300"], "token id 300: must be within"),
        (["--prompt", "", "--vocabulary", "a(b"], "no regular expression"),
        (["--prompt", "", "--vocabulary", "length x"], "must be a number or a range"),
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
    seen, held = gpt2.runner.ids.tolist(), set(vars(gpt2))
    guided = Settings(guidance_scale=1.5, negative_prompt="the other", top_k=3)
    effect(gpt2, "quite another text", guided, "top_k")
    next_token(gpt2, "and another", guided)
    assert gpt2.runner.ids.tolist() == seen and set(vars(gpt2)) - held <= {"looking"}
