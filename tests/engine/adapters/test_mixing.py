"""What a mix of adapters makes of the weights, and what is left when they are gone."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch

import engine
from engine import Settings
from engine.events import Failed, Noted, Token
from engine.models.loaded import LoadedModel
from engine.settings.adapters import parts, written
from tests.adapters import attached, lora, merged, named, own
from tests.models import GREEDY, PROMPT, golden_model, ids, play, tiny_gpt2, tiny_mistral
from tests.paths import needs_golden

IDS = torch.tensor([PROMPT])


@torch.inference_mode()
def logits(model: LoadedModel, adapters: str) -> torch.Tensor:
    model.mix(adapters).apply()
    return model.model(input_ids=IDS).logits


@pytest.mark.parametrize("name", ["gpt2", "llama", "embedded"])
@needs_golden
def test_the_weights_are_those_that_are_worked_out_by_hand(name: str, tmp_path: Path) -> None:
    """GPT-2's modules lie the other way round, and one of its own is as wide as it is deep."""
    model = engine.load(None, device="cpu") if name == "embedded" else own(golden_model(name))
    targets = ["q_proj", "o_proj", "down_proj"] if name == "llama" else ["c_attn", "c_proj", "c_fc"]
    network, bare = deepcopy(model.model), logits(model, "")
    one = lora(tmp_path / "one", model, targets, seed=1)
    other = lora(tmp_path / "other", model, targets[:2], seed=2, r=2, lora_alpha=3)
    for text, adapters in {
        named((one, 1.0)): [(one, 1.0)],
        named((one, -0.4)): [(one, -0.4)],
        named((one, 0.8), (other, 0.3)): [(one, 0.8), (other, 0.3)],
        named((other, 2.0), (one, 0.0)): [(other, 2.0)],
    }.items():
        with torch.inference_mode():
            wanted = merged(network, *adapters)(input_ids=IDS).logits
        found = logits(model, text)
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
        assert not torch.allclose(found, bare, rtol=1e-2)
    for nothing in ("", named((one, 0.0)), named((one, 0.0), (other, 0.0))):
        assert torch.equal(logits(model, nothing), bare)
    assert model.model.training is False


def test_with_scale_0_a_run_is_the_base_s_bit_for_bit(tmp_path: Path) -> None:
    gpt2 = tiny_gpt2()
    settings = Settings(max_new_tokens=12, seed=3, alternatives=5)
    bare = [event for event in play(gpt2.apart(), settings=settings) if isinstance(event, Token)]
    folder = lora(tmp_path / "one", gpt2, ["c_attn", "wte", "lm_head"])
    on = play(gpt2.apart(), settings=settings.changed(adapters=named((folder, 1.0))))
    assert [event for event in on if isinstance(event, Token)] != bare
    off = play(gpt2.apart(), settings=settings.changed(adapters=named((folder, 0.0))))
    assert [event for event in off if isinstance(event, Token)] == bare


@pytest.mark.parametrize(
    "config",
    [{"use_rslora": True}, {"use_dora": True}, {"rank_pattern": {"c_fc": 2}, "alpha_pattern": {"c_fc": 9}}],
    ids=str,
)
def test_other_kinds_of_lora_are_as_peft_has_them(tmp_path: Path, config: dict[str, object]) -> None:
    from peft import PeftModel

    model = tiny_gpt2()
    bare = logits(model, "")
    folder = lora(tmp_path / "one", model, ["c_attn", "c_fc"], **config)
    found = logits(model, named((folder, 1.0)))
    with torch.inference_mode():
        wanted = PeftModel.from_pretrained(tiny_gpt2().model, folder)(input_ids=IDS).logits
    assert torch.equal(found, wanted) and not torch.allclose(found, bare)


def test_in_half_precision_an_adapter_is_of_the_model_s_type(tmp_path: Path) -> None:
    model = tiny_mistral()
    folder = lora(tmp_path / "one", model, ["q_proj"])
    model.model.to(torch.bfloat16)
    found = logits(model, named((folder, 1.0)))
    assert found.dtype == torch.bfloat16 and found.isfinite().all()


def test_what_nobody_wears_is_gone(tmp_path: Path) -> None:
    model = tiny_gpt2()
    size, folders = model.parameters, [lora(tmp_path / name, model, ["c_attn"]) for name in "abcd"]
    for folder in [*folders, *folders]:
        play(model, settings=GREEDY.changed(adapters=named((folder, 1.0))))
        assert len(attached(model)) <= 2, "the one in force and the one before"
        assert model.apart().parameters == size
    last = attached(model)
    for text in ("", named((folders[-1], 0.5)), "", named((folders[-1], 1.0))):  # back and forth reads no file
        play(model, settings=GREEDY.changed(adapters=text))
        assert attached(model) <= last
    play(model, settings=GREEDY.changed(adapters=", ".join(named((folder, 1.0)) for folder in folders)))
    assert len(attached(model)) == 4


def test_the_last_one_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = tiny_gpt2()
    plain = repr(model.model)
    broken = lora(tmp_path / "one", model, ["c_attn"])
    (broken / "adapter_model.safetensors").write_bytes(b"x" * 100)
    play(model, settings=GREEDY.changed(adapters=named((broken, 1.0))))
    assert repr(model.model) == plain


def test_files_that_were_written_anew_are_read_anew(tmp_path: Path) -> None:
    model = tiny_gpt2()
    folder = lora(tmp_path / "one", model, ["c_attn"], seed=1)
    first = logits(model, named((folder, 1.0)))
    lora(folder, tiny_gpt2(), ["c_attn"], seed=2)
    assert not torch.allclose(logits(model, named((folder, 1.0))), first)


def test_it_is_told_what_came_into_force(tmp_path: Path) -> None:
    model = tiny_gpt2()
    folder = lora(tmp_path / "one", model, ["c_attn"], r=3)
    events = play(model, settings=GREEDY.changed(adapters=named((folder, 0.5))))
    told = [event.note.text for event in events if isinstance(event, Noted) and event.note.code == "adapters"]
    assert told == [f"Adapters: {folder} at 0.5 (rank 3)."]


def test_without_peft_there_are_no_adapters_and_all_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = tiny_gpt2()
    adapters = named((lora(tmp_path / "one", model, ["c_attn"]), 1.0))
    monkeypatch.setitem(sys.modules, "peft", None)
    assert len(ids(play(model))) == 12
    failed = play(model, settings=GREEDY.changed(adapters=adapters))[-1]
    assert isinstance(failed, Failed)
    assert failed.error.endswith(
        "takes the library peft, which is not installed: pip install peft (the extra finetune)"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        ("poems", (("poems", 1.0),)),
        ("poems=0.8, org/tales = -3e-1,", (("poems", 0.8), ("org/tales", -0.3))),
        ("'a, b=c'=.5, my poems=2", (("a, b=c", 0.5), ("my poems", 2.0))),
        ("'it''s', ~/x y", (("it's", 1.0), ("~/x y", 1.0))),
    ],
)
def test_a_text_names_adapters_with_their_scales(text: str, wanted: tuple[tuple[str, float], ...]) -> None:
    assert parts(text) == wanted == parts(written(wanted))
    assert parts(Settings(adapters=text).adapters) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("poems=nan", "must be a number from -100 to 100"),
        ("poems=1e3", "must be a number from -100 to 100"),
        ("poems=much", "must be a number from -100 to 100"),
        ("=1", "must be names with scales"),
        ("a==1", "must be names with scales"),
        ("'a", "must be names with scales"),
        ("a, b, a=2", "a is named twice"),
        (", ".join("abcdefghi"), "at most 8"),
    ],
)
def test_a_text_that_names_none_is_refused_when_it_is_set(text: str, said: str) -> None:
    with pytest.raises(engine.SettingError, match=f"^adapters .*{said}"):
        Settings(adapters=text)
