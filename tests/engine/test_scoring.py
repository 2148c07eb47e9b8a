"""How likely a model finds a text: in one pass, in slices, through a window, by steps; and what it comes to."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from tokenizers import processors

from engine import PromptError, Settings
from engine.models.loaded import LoadedModel
from engine.runner import base, runner_for
from engine.score_command import main
from engine.scoring import Score, ScoredToken, TextScore, score_text, scored, scoring
from engine.window import Window
from tests.engine.transfo_xl import tiny as transfo_xl
from tests.models import (
    END,
    PROMPT,
    counted,
    loaded,
    metaspace_tokenizer,
    play,
    saved,
    tiny_gpt2,
    tiny_mistral,
    tiny_openai_gpt,
)

LONG = [(7 * at + at * at) % (END - 1) for at in range(150)]


def by_hand(model: LoadedModel, ids: list[int], window: Window | None = None) -> list[float]:
    """The log-probability of each id but the first, each from a pass of its own over what is seen before it."""
    found = []
    for at in range(1, len(ids)):
        head, tail = window.seen(at) if window else (slice(0, 0), slice(0, at))
        runner = runner_for(model.model)
        logits, _ = runner.prefill(ids[head] + ids[tail])
        found.append(float(logits[0].double().log_softmax(-1)[ids[at]]))
    return found


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_mistral, tiny_openai_gpt])
def test_slices_give_what_a_pass_for_each_token_gives(make: type, monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = make(), LONG[:40]
    wanted = pytest.approx(by_hand(model, ids), abs=1e-4)
    assert [score.logprob for score in scored(model, ids)] == wanted
    monkeypatch.setattr(base, "_AT_ONCE", 0)
    monkeypatch.setattr(base, "_FEWEST", 7)
    with counted(model) as widths:
        assert [score.logprob for score in scored(model, ids)] == wanted
    assert max(widths) <= 7, "the logits of more ids are never held at once"
    assert [len(part) for part in scoring(model, ids)][1:] == [7] * 5 + [3]


def test_it_is_one_pass(gpt2: LoadedModel) -> None:
    with counted(gpt2) as widths:
        scored(gpt2, LONG[:40])
    assert [width for width in widths if width > 1] == [38] and len(widths) <= 3


def test_a_text_longer_than_the_positions_slides(gpt2: LoadedModel) -> None:
    window = Window(64, 0)
    assert window.out(len(LONG) - 1) > 0
    assert [score.logprob for score in scored(gpt2, LONG)] == pytest.approx(by_hand(gpt2, LONG, window), abs=1e-4)
    begun = [END, *LONG]  # a start of text stays in sight
    wanted = by_hand(gpt2, begun, Window(64, 1))
    assert [score.logprob for score in scored(gpt2, begun)] == pytest.approx(wanted, abs=1e-4)
    told = score_text(gpt2, "the old river " * 40, Settings()).notes
    assert "window" in {note.code for note in told} and "moves on by 16" in told[-1].text
    just = LONG[:64]
    with counted(gpt2) as widths:
        assert len(scored(gpt2, just)) == 63
    assert sum(widths) <= 65, "what fits is seen once"


@pytest.mark.parametrize("same_length", [True, False])
def test_a_memory_sees_what_a_run_would(same_length: bool, tmp_path: Path) -> None:
    model = transfo_xl.loaded(transfo_xl.model(mem_len=6, same_length=same_length), tmp_path)
    ids = [int(i) for i in torch.randint(0, model.vocabulary_size, (20,))]
    runner = runner_for(model.model)
    logits, wanted = runner.prefill(ids[:1])[0], []
    for token in ids[1:]:
        wanted.append(float(logits[0].double().log_softmax(-1)[token]))
        logits = runner.step(torch.tensor([token]))
    assert [score.logprob for score in scored(model, ids)] == pytest.approx(wanted, abs=1e-4)


def test_looking_leaves_the_runs_cache_alone(gpt2: LoadedModel) -> None:
    play(gpt2, PROMPT)
    before, held = gpt2.runner.cache_shape(), gpt2.runner.ids.clone()
    scored(gpt2, LONG[:30])
    assert gpt2.runner.cache_shape() == before and torch.equal(gpt2.runner.ids, held)
    assert gpt2.looking_runner.length == 0, "a long text's cache is not kept"


def test_the_numbers_of_a_text(gpt2: LoadedModel) -> None:
    text = "the old river café"
    score = score_text(gpt2, text, Settings())
    assert "".join(token.text for token in score.tokens) == text
    assert [text[token.start :].startswith(token.text) for token in score.tokens] == [True] * len(score.tokens)
    own = scored(gpt2, [END, *(token.id for token in score.tokens)])
    assert [token.score for token in score.tokens] == own, "after the token that begins a text"
    mean = -sum(each.logprob for each in own) / len(own)
    assert score.perplexity == pytest.approx(math.exp(mean))
    assert score.bits_per_character == pytest.approx(mean * len(own) / math.log(2) / len(text))
    worst = score.surprising(2)
    assert [score.tokens[at].score for at in worst] == sorted(own, key=lambda each: each.logprob)[:2]
    after = score_text(gpt2, " river café", Settings(prefix="the old"))
    assert [token.id for token in after.tokens] == [token.id for token in score.tokens][-len(after.tokens) :]
    pairs = zip(after.tokens, score.tokens[-len(after.tokens) :], strict=True)
    assert all(a.score and b.score and abs(a.score.logprob - b.score.logprob) < 1e-4 for a, b in pairs)


def test_a_mark_that_the_tokenizer_sets_itself_stands_before_the_text() -> None:
    tokenizer = copy.deepcopy(metaspace_tokenizer())
    marks = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    tokenizer.backend_tokenizer.post_processor = marks
    model = loaded(tiny_gpt2().model, tokenizer)
    score = score_text(model, "the old river", Settings())
    ids = tokenizer.encode("the old river", add_special_tokens=False)
    assert tokenizer.encode("the old river") == [1, *ids, 2]
    assert [token.id for token in score.tokens] == ids, "the marks are no part of the text"
    assert [token.score for token in score.tokens] == scored(model, [1, *ids])


def test_what_has_no_number(gpt2: LoadedModel) -> None:
    alone = TextScore((ScoredToken(5, "a", 0, False, None),))
    assert (alone.perplexity, alone.bits_per_character, alone.surprising(3)) == (None, None, [])
    impossible = TextScore((ScoredToken(5, "a", 0, False, Score(-math.inf, 9, 0.0)),))
    assert impossible.perplexity == math.inf
    unlikely = TextScore((ScoredToken(5, "a", 0, False, Score(-5000.0, 9, 0.0)),))
    assert unlikely.perplexity == math.inf, "and no error"
    assert scored(gpt2, []) == scored(gpt2, [5]) == []
    with pytest.raises(PromptError, match="no text to score"):
        score_text(gpt2, "", Settings())
    with pytest.raises(PromptError, match="outside the model's vocabulary"):
        scored(gpt2, [5, 5000])


def test_it_can_be_stopped(gpt2: LoadedModel) -> None:
    def stop(done: int, total: int) -> None:
        assert 0 < done <= total
        raise InterruptedError

    with pytest.raises(InterruptedError):
        score_text(gpt2, "the old river", Settings(), stop)
    assert gpt2.looking_runner.length == 0


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(saved(tiny_gpt2(), tmp_path_factory.mktemp("checkpoint")))


def test_the_command(folder: str, gpt2: LoadedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--model_name_or_path", folder, "--text", "the old\x1b river", "--top", "2"])
    out, err = capsys.readouterr()
    score = score_text(gpt2, "the old\x1b river", Settings())
    assert out.startswith(
        f"{len(score.tokens)} tokens, {len(score.tokens)} scored · perplexity {score.perplexity:,.2f}"
    )
    assert out.count(" bits, rank ") == 2 and "␣river" in out and "»" in out and "\x1b" not in out and err == ""
    file = tmp_path / "text.txt"
    file.write_text("the old river\n")
    main(["--model_name_or_path", folder, str(file), "--json"])
    document = json.loads(capsys.readouterr().out)
    score = score_text(gpt2, "the old river\n", Settings())
    assert document["perplexity"] == pytest.approx(score.perplexity)
    assert [token["logprob"] for token in document["tokens"]] == [token.score.logprob for token in score.tokens]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "x", "nowhere.txt"], "give one of the two"),
        (["nowhere.txt"], "cannot be read"),
        (["--text", ""], "no text to score"),
        (["--text", "x", "--top", "-1"], "--top -1"),
    ],
)
def test_the_command_refuses_in_one_line(
    folder: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--model_name_or_path", folder, *words])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out, err.count("\n")) == (2, "", 1) and said in err
