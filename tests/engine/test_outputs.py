"""What a run gives beside its tokens: equal to the library's own outputs, for programs and in the JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine import Settings
from engine.events import Tensors
from engine.models.loaded import LoadedModel
from engine.run_generation import main
from tests.models import PROMPT, end, ids, play, tiny_gpt2, tiny_mistral, tiny_openai_gpt

ALL = dict.fromkeys(("output_scores", "output_logits", "output_attentions", "output_hidden_states"), True)
CLOSE: dict[str, Any] = {"atol": 1e-5, "rtol": 1e-4}
OPTIONS: dict[str, dict[str, Any]] = {
    "greedy": {"repetition_penalty": 1.3},
    "beams": {"num_beams": 3},
    "lookup": {"prompt_lookup_num_tokens": 4},
    "guided": {"guidance_scale": 1.7},
}


def by_library(model: LoadedModel, **options: Any) -> Any:
    given = torch.tensor([list(PROMPT)])
    model.model.set_attn_implementation("eager")
    output = model.model.generate(
        given, attention_mask=torch.ones_like(given), pad_token_id=0, return_dict_in_generate=True, **ALL, **options
    )
    model.model.set_attn_implementation("sdpa")
    return output


@pytest.mark.parametrize("make", [tiny_gpt2, tiny_mistral])
@pytest.mark.parametrize("how", OPTIONS)
def test_they_are_the_library_s(make: Callable[[], LoadedModel], how: str) -> None:
    model, options = make(), {"max_new_tokens": 6, **OPTIONS[how]}
    assert model.model.config._attn_implementation == "sdpa"
    events = play(model, PROMPT, Settings.from_generation_config({**options, **ALL}))
    assert model.model.config._attn_implementation == "sdpa"
    told = [event for event in events if isinstance(event, Tensors)]
    theirs = by_library(model, **options)
    assert ids(events) == theirs.sequences[0, len(PROMPT) :].tolist()
    assert [step.index for step in told] == list(range(6))
    for name in ("scores", "logits"):
        for step, other in zip(told, getattr(theirs, name), strict=True):
            torch.testing.assert_close(getattr(step, name), other, **CLOSE)
    for name in ("hidden_states", "attentions"):
        for step, other in zip(told, getattr(theirs, name), strict=how != "lookup"):  # theirs has a pass for a round
            for one, layer in zip(getattr(step, name), other, strict=True):
                if how == "lookup":
                    layer = layer[..., :1, : one.shape[-1]] if step.index else layer
                torch.testing.assert_close(one, layer, **CLOSE)


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "contrastive", "top_k": 4},
        {"strategy": "contrastive", "top_k": 4, "low_memory": True},
        {"strategy": "dola"},
        {"strategy": "sample", "num_return_sequences": 3, "use_cache": False},
        {"strategy": "sample", "num_return_sequences": 3, "prefill_chunk_size": 2},
        {"strategy": "assisted", "cache_implementation": "static"},
    ],
)
@torch.inference_mode()
def test_every_strategy_tells_its_steps(options: dict[str, Any]) -> None:
    """Each step's last hidden state gives its logits, and its scores the log-probability that was told."""
    model = tiny_gpt2()
    plain = play(model, PROMPT, Settings(max_new_tokens=5, **options))
    events = play(model, PROMPT, Settings(max_new_tokens=5, **options, **ALL))
    assert [s.token_ids for s in end(events).sequences] == [s.token_ids for s in end(plain).sequences]
    told = [event for event in events if isinstance(event, Tensors)]
    assert len(told) == max(len(sequence.token_ids) for sequence in end(events).sequences) > 1
    head = model.model.get_output_embeddings()
    for step in told:
        assert step.hidden_states is not None and step.attentions is not None
        torch.testing.assert_close(head(step.hidden_states[-1][:, -1]), step.logits, **CLOSE)
        assert [layer.shape[0] for layer in step.attentions] == [len(step.sequences)] * 2
        for row, number in enumerate(step.sequences):
            sequence = end(events).sequences[number]
            logprob = step.scores[row].log_softmax(-1)[sequence.token_ids[step.index]]
            assert float(logprob) == pytest.approx(sequence.logprobs[step.index], abs=1e-5)
    assert told[0].hidden_states is not None and told[0].hidden_states[0].shape[1] == len(PROMPT)


def test_a_model_that_has_its_own_cache_gives_its_attentions() -> None:
    model = tiny_openai_gpt()
    told = [e for e in play(model, PROMPT, Settings(max_new_tokens=3, **ALL)) if isinstance(e, Tensors)]
    for step in told:
        assert step.attentions is not None
        for layer in step.attentions:
            torch.testing.assert_close(layer.sum(-1), torch.ones_like(layer.sum(-1)))
            assert layer.shape[-1] == len(PROMPT) + step.index


def test_nothing_is_kept_where_nothing_is_asked(gpt2: LoadedModel) -> None:
    assert not [event for event in play(gpt2) if isinstance(event, Tensors)]
    assert not gpt2.runner.hidden and not gpt2.runner.attentions


def test_a_run_that_is_given_up_leaves_the_model_as_it_was() -> None:
    import engine

    model = tiny_gpt2()
    run = engine.generate(model, PROMPT, Settings(output_attentions=True))
    for _ in range(4):
        next(run)
    run.close()
    assert model.model.config._attn_implementation == "sdpa"


def test_the_document_has_them_and_a_text_says_that_it_has_not(
    gpt2: LoadedModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.models.load.load", lambda *_, **__: gpt2)
    words = ["--prompt", "the river", "--length", "2", "--top_k", "3", "--top_p", "1"]
    words += ["--output_scores", "--output_attentions"]
    main([*words, "--return_dict_in_generate"])
    document = json.loads(capsys.readouterr().out)
    assert [step["index"] for step in document["tensors"]] == [0, 1]
    scores = document["tensors"][0]["scores"][0]
    assert sum(score is not None for score in scores) == 3  # what is ruled out has no number
    assert "logits" not in document["tensors"][0] and len(document["tensors"][1]["attentions"]) == 2
    main(words)
    seen = capsys.readouterr()
    assert "output_scores, output_attentions; only programs" in seen.err and "tensors" not in seen.out
