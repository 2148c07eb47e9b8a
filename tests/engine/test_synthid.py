"""The SynthID watermark: the library's own in the text, right where rows are exchanged, and its trace found again."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from transformers import SynthIDTextWatermarkingConfig, SynthIDTextWatermarkLogitsProcessor

from engine import Controls, EngineError, SettingError, Settings
from engine.inspect_command import main
from engine.models.loaded import LoadedModel
from engine.sampling.synthid import SynthIDStage, detected
from engine.settings.shapes import SynthIDMark, watermark
from tests.models import SAMPLED, by_library, end, golden_model, ids, play, saved
from tests.paths import needs_golden

KEYS = [654, 400, 836, 123, 340, 443, 597, 160, 57]
SYNTHID: dict[str, Any] = {"ngram_len": 5, "keys": KEYS}
SHORT: dict[str, Any] = {"ngram_len": 2, "keys": [3, 5], "context_history_size": 3, "sampling_table_size": 64}
KINDS: list[dict[str, Any]] = [SYNTHID, SHORT, SHORT | {"skip_first_ngram_calls": True, "ngram_len": 4},
                               SYNTHID | {"sampling_table_seed": 7, "debug_mode": True}]  # fmt: skip


def mark_of(fields: dict[str, Any]) -> SynthIDMark:
    mark = watermark(fields)
    assert isinstance(mark, SynthIDMark)
    return mark


@pytest.mark.parametrize("fields", KINDS)
@pytest.mark.parametrize("name", ["tiny", pytest.param("gpt2", marks=needs_golden)])
def test_tokens_are_the_library_s(gpt2: LoadedModel, name: str, fields: dict[str, Any]) -> None:
    model = gpt2 if name == "tiny" else golden_model(name)
    found = ids(play(model, settings=SAMPLED.changed(max_new_tokens=30, watermarking_config=fields)))
    config = SynthIDTextWatermarkingConfig(**fields)
    options = {"do_sample": True, "top_k": 0, "max_new_tokens": 30, "watermarking_config": config}
    assert found == by_library(model, seed=5, **options)
    assert found != ids(play(model, settings=SAMPLED.changed(max_new_tokens=30)))


@pytest.mark.parametrize("fields", KINDS)
def test_each_row_is_marked_as_it_would_be_alone(fields: dict[str, Any]) -> None:
    """The library's processor called for one growing row, against ours called for rows that come from anywhere."""
    stage = SynthIDStage(mark_of(fields), 3, torch.device("cpu"))
    texts = torch.randint(0, 4, (3, 15), generator=torch.Generator().manual_seed(1))
    scores = torch.randn(40, generator=torch.Generator().manual_seed(2)).expand(3, -1)
    alone = []
    for row in range(3):
        library = SynthIDTextWatermarkLogitsProcessor(**mark_of(fields)._asdict(), device=torch.device("cpu"))
        alone.append([library(texts[row : row + 1, :length], scores[:1]) for length in range(3, 16)])
    for length in (9, 3, 15, 4, 10):
        order = [2, 0, 0, 1]
        found = stage(texts[order, :length], scores[[0] * 4])
        assert torch.equal(found, torch.cat([alone[row][length - 3] for row in order]))


@pytest.mark.parametrize("strategy", ["beam", "beam-sample", "diverse-beam"])
def test_beams_carry_it(gpt2: LoadedModel, strategy: str) -> None:
    settings = Settings(strategy=strategy, max_new_tokens=40, seed=1, eos_token_id=())
    marked = detected(gpt2, ids(play(gpt2, settings=settings.changed(watermarking_config=SYNTHID))), mark_of(SYNTHID))
    assert marked.z_score > 4


def test_what_was_ruled_out_stays_so(gpt2: LoadedModel) -> None:
    settings = SAMPLED.changed(strategy="beam", suppress_tokens=tuple(range(3, 300)), watermarking_config=SYNTHID)
    assert set(ids(play(gpt2, settings=settings))) <= {0, 1, 2}


def test_it_is_found_where_it_is_and_not_where_it_is_not(gpt2: LoadedModel) -> None:
    settings, mark = SAMPLED.changed(max_new_tokens=-1, eos_token_id=()), mark_of(SYNTHID)
    plain = detected(gpt2, ids(play(gpt2, settings=settings)), mark)
    marked = detected(gpt2, ids(play(gpt2, settings=settings.changed(watermarking_config=SYNTHID))), mark)
    assert abs(plain.z_score) < 3 < 4 < marked.z_score and marked.p_value < 0.001 < plain.p_value
    assert marked.mean > plain.mean and abs(plain.expected - 0.5) < 0.01 and marked.tokens > 20


def test_the_score_is_a_mean_over_keys_and_tokens(gpt2: LoadedModel) -> None:
    """By hand: of each n-gram and key the sign that the table has at its hash."""
    mark = mark_of(SHORT | {"context_history_size": 100})
    text = [5, 9, 7, 9, 8, 6]
    table = torch.randint(0, 2, (64,), generator=torch.Generator().manual_seed(0)).tolist()

    def hashed(numbers: list[int]) -> int:
        value = 1
        for number in numbers:
            value = ((value + number) * 6364136223846793005 + 1) % 2**64
        return value

    pairs = [(5, 9), (9, 7), (7, 9), (8, 6)]  # 9 was a context before, so (9, 8) is left out
    signs = [table[hashed([*pair, key]) % 64] for pair in pairs for key in (3, 5)]
    found = detected(gpt2, text, mark)
    assert (found.tokens, found.mean) == (4, sum(signs) / 8)
    p = sum(table) / 64
    assert found.z_score == pytest.approx((sum(signs) / 8 - p) / (p * (1 - p) / 8) ** 0.5)


def test_it_is_live(gpt2: LoadedModel) -> None:
    plain = ids(play(gpt2, settings=SAMPLED))
    schedule = {5: {"watermarking_config": SYNTHID}, 8: {"temperature": 0.9}}
    found = ids(play(gpt2, settings=SAMPLED, controls=Controls(schedule=schedule)))
    assert found[:5] == plain[:5] and found != plain
    kept = SAMPLED.changed(watermarking_config=SYNTHID)
    changed = end(play(gpt2, settings=kept, controls=Controls(schedule={6: {"alternatives": 1}}))).sequences[0]
    assert list(changed.token_ids) == ids(play(gpt2, settings=kept)), "another change leaves what it remembers"


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": [1]}, {"ngram_len": 5}, SYNTHID | {"bias": 2.0}, SYNTHID | {"keys": []}, SYNTHID | {"keys": [-1]},
        SYNTHID | {"ngram_len": 1}, SYNTHID | {"sampling_table_size": 2**25}, SYNTHID | {"debug_mode": 1},
        SYNTHID | {"context_history_size": 0}, SYNTHID | {"keys": [2**63]}, SYNTHID | {"ngram_len": "5"},
    ],
)  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"watermarking_config .*for SynthID one with ngram_len"):
        Settings(watermarking_config=wrong)  # type: ignore[arg-type]


def test_too_few_tokens_are_told(gpt2: LoadedModel) -> None:
    with pytest.raises(EngineError, match="5 tokens"):
        detected(gpt2, [1, 2, 3, 4, 5][:5], mark_of(SYNTHID | {"ngram_len": 5}))


def test_a_snapshot_has_it_as_json(gpt2: LoadedModel) -> None:
    settings = Settings.from_generation_config({"watermarking_config": SYNTHID})
    assert Settings(**json.loads(json.dumps(settings.to_dict()))) == settings


def test_inspect_looks_for_it_in_the_prompt(
    gpt2: LoadedModel, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "the old keeper told the children of the other river"
    argv = ["--model_name_or_path", str(saved(gpt2, tmp_path / "model")), "--prompt", text, "--device", "cpu"]
    wanted = detected(gpt2, gpt2.tokenizer.encode(text), mark_of(SYNTHID))
    main([*argv, "--watermarking_config", json.dumps(SYNTHID), "--json"])
    found = json.loads(capsys.readouterr().out)["watermark"]
    assert (found["tokens"], found["z_score"]) == (wanted.tokens, pytest.approx(wanted.z_score))
    main([*argv, "--watermarking_config", json.dumps(SYNTHID)])
    assert f"watermark: z-score {wanted.z_score:.2f}" in capsys.readouterr().out
