"""The watermark: the library's own in the text, and found again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from transformers import WatermarkingConfig

from engine import Controls, EngineError, SettingError, Settings
from engine.inspect_command import main
from engine.models.loaded import LoadedModel
from engine.sampling.watermark import detected
from engine.settings import PARAMETERS
from engine.settings.shapes import watermark
from tests.models import SAMPLED, by_library, ids, play, saved

MARK = watermark("on")
STRONG = {"greenlist_ratio": 0.3, "bias": 6.0}


@pytest.mark.parametrize("fields", [{}, STRONG, {"seeding_scheme": "selfhash", "context_width": 2}])
def test_tokens_are_the_library_s(gpt2: LoadedModel, fields: dict[str, Any]) -> None:
    found = ids(play(gpt2, settings=SAMPLED.changed(watermarking_config=fields)))
    options = {"do_sample": True, "top_k": 0, "max_new_tokens": 12, "watermarking_config": WatermarkingConfig(**fields)}
    assert found == by_library(gpt2, seed=5, **options)


def test_it_is_found_where_it_is_and_not_where_it_is_not(gpt2: LoadedModel) -> None:
    settings = SAMPLED.changed(max_new_tokens=-1, eos_token_id=())
    plain = detected(gpt2, ids(play(gpt2, settings=settings)), watermark(STRONG))
    marked = detected(gpt2, ids(play(gpt2, settings=settings.changed(watermarking_config=STRONG))), watermark(STRONG))
    assert plain.z_score < 3 < 4 < marked.z_score
    assert marked.green > plain.green and marked.p_value < 0.001 and marked.tokens > 20


def test_it_is_live(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2, settings=SAMPLED))
    schedule = {5: {"watermarking_config": {"bias": 40.0}}}
    found = ids(play(gpt2, settings=SAMPLED, controls=Controls(schedule=schedule)))
    assert found[:5] == plain[:5] and found != plain


def test_too_few_tokens_are_told(gpt2: LoadedModel) -> None:
    with pytest.raises(EngineError, match="2 tokens"):
        detected(gpt2, [1, 2], MARK)


@pytest.mark.parametrize("typed", ["on", "true", "{}", '{"bias": 2}', '[0.25, 2, 15485863, "lefthash", 1]'])
def test_what_is_taken(typed: str) -> None:
    assert PARAMETERS["watermarking_config"].parse(typed) == MARK


@pytest.mark.parametrize(
    "wrong",
    [
        {"bais": 1}, {"greenlist_ratio": 0}, {"greenlist_ratio": 1}, {"greenlist_ratio": "a"}, {"bias": True},
        {"seeding_scheme": "other"}, {"context_width": 0}, {"hashing_key": -1}, {"hashing_key": 1.5}, [1], "strong", 3,
    ],
)  # fmt: skip
def test_what_is_refused(wrong: Any) -> None:
    with pytest.raises(SettingError, match=r"watermarking_config .*must be on, or an object"):
        Settings(watermarking_config=wrong)


def test_a_generation_config_has_it_by_its_name() -> None:
    assert Settings.from_generation_config({"watermarking_config": {"bias": 2.0}}).watermarking_config == MARK


def test_inspect_looks_for_it_in_the_prompt(
    gpt2: LoadedModel, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "the old keeper told the children of the other river"
    argv = ["--model_name_or_path", str(saved(gpt2, tmp_path / "model")), "--prompt", text, "--device", "cpu"]
    wanted = detected(gpt2, gpt2.tokenizer.encode(text), MARK)
    main([*argv, "--watermarking_config", "on", "--json"])
    found = json.loads(capsys.readouterr().out)["watermark"]
    assert (found["tokens"], found["z_score"]) == (wanted.tokens, pytest.approx(wanted.z_score))
    main([*argv, "--watermarking_config", "on"])
    assert f"watermark: z-score {wanted.z_score:.2f}" in capsys.readouterr().out
