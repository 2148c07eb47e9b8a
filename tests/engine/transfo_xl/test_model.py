"""The model against the paper's formulas worked out number by number, and against itself fed in other pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.families.transfo_xl import memory
from engine.families.transfo_xl.memory import Memory
from engine.families.transfo_xl.model import TransfoXLLMHeadModel
from tests.engine.transfo_xl.naive import Naive
from tests.engine.transfo_xl.tiny import TEXT, VOCABULARY, config, model

VARIANTS: dict[str, dict[str, Any]] = {
    "narrowing": {},
    "one width": {"div_val": 1},
    "one width, not projected": {"div_val": 1, "d_embed": 12},
    "narrowing by four": {"div_val": 4, "d_embed": 16},
    "two clusters": {"cutoffs": [20], "tie_projs": [True, False]},
    "one cluster": {"cutoffs": []},
    "not tied": {"tie_word_embeddings": False},
    "nothing tied": {"tie_weight": False, "tie_projs": [False, False, False]},
    "seeing further": {"same_length": False},
    "not clamped": {"clamp_len": -1},
    "clamped at one": {"clamp_len": 1},
    "short memory": {"mem_len": 1},
    "long memory": {"mem_len": 20},
    "norm first": {"pre_lnorm": True},
    "one bias for all layers": {"untie_r": False},
    "odd length": {"mem_len": 5, "clamp_len": 9, "n_head": 3},
}


@pytest.fixture(params=[1, 128], ids=["keys kept", "keys made anew"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to remember; only long memories keep their keys by themselves."""
    monkeypatch.setattr("engine.families.transfo_xl.model.KEPT_FROM", request.param)


@torch.no_grad()
def whole(made: TransfoXLLMHeadModel, ids: tuple[int, ...] = TEXT) -> torch.Tensor:
    return made(torch.tensor([ids])).logits[0]


@torch.no_grad()
def pieces(made: TransfoXLLMHeadModel, *lengths: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    mems, rows, at = None, [], 0
    for length in lengths:
        output = made(torch.tensor([TEXT[at : at + length]]), mems=mems)
        mems, at = output.mems, at + length
        rows.append(output.logits[0])
    return torch.cat(rows), mems


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_computes_the_formulas(variant: str) -> None:
    made = model(**VARIANTS[variant])
    naive, left, rows = Naive(made), None, []
    for part in (TEXT[:5], TEXT[5:6], TEXT[6:]):
        found, left = naive.segment(list(part), left)
        rows.append(found)
    logits, mems = pieces(made, 5, 1, 6)
    np.testing.assert_allclose(logits.numpy(), np.concatenate(rows), atol=1e-10)
    for ours, theirs in zip(mems, left or (), strict=True):
        np.testing.assert_allclose(ours[:, 0].numpy(), theirs, atol=1e-10)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("variant", [name for name, changed in VARIANTS.items() if changed.get("same_length", True)])
def test_one_pass_is_token_by_token(variant: str) -> None:
    made = model(**VARIANTS[variant])
    assert (whole(made) - pieces(made, *[1] * len(TEXT))[0]).abs().max() < 1e-9
    assert (whole(made) - pieces(made, 3, 1, 7, 1)[0]).abs().max() < 1e-9


def test_probabilities_sum_to_one() -> None:
    for changed in VARIANTS.values():
        torch.testing.assert_close(whole(model(**changed)).exp().sum(-1), torch.ones(len(TEXT), dtype=torch.float64))


def test_half_precision_still_gives_exact_log_probabilities() -> None:
    logits = whole(model(torch.bfloat16))
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(len(TEXT)))


@pytest.mark.usefixtures("kept")
def test_rows_do_not_touch_and_are_reordered_on_their_dimension() -> None:
    made = model()
    rows = torch.tensor([TEXT, TEXT[::-1], TEXT[3:] + TEXT[:3]])
    new = torch.tensor([[1], [2], [3], [4]])
    chosen = torch.tensor([2, 0, 0, 1])
    with torch.no_grad():
        mems = made._reorder_cache(made(rows).mems, chosen)
        together = made(new, mems=mems)
        for row, (source, token) in enumerate(zip(chosen, new, strict=True)):
            alone = made(token[None], mems=made(rows[source][None]).mems)
            torch.testing.assert_close(together.logits[row], alone.logits[0])
            for ours, theirs in zip(together.mems, alone.mems, strict=True):
                torch.testing.assert_close(ours[:, row], theirs[:, 0])


@torch.no_grad()
def test_a_plain_list_is_a_memory_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.families.transfo_xl.model.KEPT_FROM", 1)
    made = model()
    mems = made(torch.tensor([TEXT])).mems
    assert isinstance(mems, Memory)
    assert len(mems.heads) == len(mems)
    new = torch.tensor([[5]])
    torch.testing.assert_close(made(new, mems=list(mems)).logits, made(new, mems=mems).logits)
    assert made._reorder_cache(list(mems), torch.tensor([0, 0]))[0].shape == (6, 2, 12)


def test_memory_stays_as_long_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.families.transfo_xl.model.KEPT_FROM", 1)
    made = model()
    _, mems = pieces(made, *[1] * 9)
    assert isinstance(mems, Memory)
    assert [rows.shape for rows in mems] == [(6, 1, 12)] * 2
    assert all(tensor.shape == (1, 2, 6, 5) for pair in mems.heads for tensor in pair)
    assert all(rows.untyped_storage().nbytes() == rows.nbytes for rows in mems)
    assert memory.KEPT_FROM == 128


@pytest.mark.parametrize("changed", [{}, {"same_length": False}])
def test_without_memory_a_step_sees_everything(changed: dict[str, Any]) -> None:
    made = model(mem_len=0, **changed)
    assert made(torch.tensor([TEXT])).mems is None
    assert not made.has_recurrent_memory
    given = torch.tensor([TEXT])
    found = made.generate(given, max_new_tokens=4, do_sample=False, pad_token_id=0, eos_token_id=None)[0]
    for at in range(len(TEXT), len(TEXT) + 4):
        assert whole(made, tuple(found[:at].tolist()))[-1].argmax() == found[at]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "options", [{}, {"num_beams": 3, "num_return_sequences": 2}, {"do_sample": True, "top_k": 5}], ids=str
)
def test_generate_with_memory_is_generate_without(options: dict[str, Any]) -> None:
    made = model()
    given = torch.tensor([TEXT, TEXT[::-1]])
    found = []
    for use_cache in (True, False):
        torch.manual_seed(1)
        settings = {"do_sample": False, "max_new_tokens": 8, "pad_token_id": 0, "eos_token_id": None} | options
        found.append(made.generate(given, attention_mask=torch.ones_like(given), use_cache=use_cache, **settings))
    assert found[0].tolist() == found[1].tolist()


def test_a_padded_batch_is_refused() -> None:
    mask = torch.ones(1, len(TEXT))
    mask[0, 0] = 0
    with pytest.raises(ValueError, match="no padding"):
        model().generate(torch.tensor([TEXT]), attention_mask=mask, max_new_tokens=1, pad_token_id=0)


def test_it_tells_hidden_states_weights_and_loss() -> None:
    made = model()
    given = torch.tensor([TEXT])
    output = made(given, labels=given, output_hidden_states=True, output_attentions=True)
    assert [tuple(state.shape) for state in output.hidden_states] == [(1, 12, 12)] * 3
    assert [tuple(weights.shape) for weights in output.attentions] == [(1, 2, 12, 18)] * 2
    torch.testing.assert_close(output.attentions[0].sum(-1), torch.ones(1, 2, 12, dtype=torch.float64))
    assert ((output.attentions[0] > 0).sum(-1) == made.config.mem_len).all()
    wanted = -output.logits[0, :-1].gather(1, given[0, 1:, None]).mean()
    torch.testing.assert_close(output.loss, wanted)
    output.loss.backward()
    assert all(parameter.grad is not None for parameter in made.parameters())
    assert made(given, return_dict=False)[0].shape == (1, 12, VOCABULARY)
    assert made(given, logits_to_keep=1).logits.shape == (1, 1, VOCABULARY)
    embedded = made.transformer.word_emb(given)
    torch.testing.assert_close(made(inputs_embeds=embedded).logits, output.logits)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy", "placed"])
def test_saved_and_loaded_it_is_the_same(variant: str, form: str, tmp_path: Path) -> None:
    made = model(torch.float32, **VARIANTS[variant])
    made.save_pretrained(tmp_path)
    if form in ("zip", "legacy"):
        (tmp_path / "model.safetensors").unlink()
        state = made.state_dict() | {"transformer.pos_emb.inv_freq": torch.ones(6)}
        torch.save(state, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=form == "zip")
    again, found = AutoModelForCausalLM.from_pretrained(
        tmp_path, output_loading_info=True, weights_only=True, device_map="cpu" if form == "placed" else None
    )
    assert not any(found.values()), found
    assert isinstance(again, TransfoXLLMHeadModel)
    torch.testing.assert_close(whole(again.eval()), whole(made), rtol=0, atol=0)
    assert again.num_parameters() == made.num_parameters()


def test_what_is_tied_is_one_tensor() -> None:
    made = model(tie_projs=[False, True, True])
    embedding = made.transformer.word_emb
    assert all(
        out.weight is table.weight for out, table in zip(made.crit.out_layers, embedding.emb_layers, strict=True)
    )
    assert made.crit.out_projs[0] is not embedding.emb_projs[0]
    assert made.crit.out_projs[2] is embedding.emb_projs[2]
    shared = model(div_val=1)
    assert shared.crit.out_projs[1] is shared.transformer.word_emb.emb_projs[0]
    assert shared.crit.out_projs[2] is shared.transformer.word_emb.emb_projs[0]


def test_a_fresh_model_is_initialised() -> None:
    torch.manual_seed(0)
    made = AutoModelForCausalLM.from_config(config(d_model=64, d_embed=64, untie_r=False))
    for name, parameter in made.named_parameters():
        if not name.endswith("bias") or name.endswith(("r_w_bias", "r_r_bias")):
            assert 0 < parameter.std() < 0.1, name
    with torch.device("meta"):
        assert AutoModelForCausalLM.from_config(config()).num_parameters() == model().num_parameters()


@pytest.mark.parametrize(
    "wrong",
    [
        {"cutoffs": [24, 10]},
        {"cutoffs": [10, 400]},
        {"n_head": 0},
        {"d_model": 13},
        {"mem_len": -1},
        {"attn_type": 2},
        {"sample_softmax": 10},
        {"div_val": 4, "d_embed": 8},
    ],
    ids=str,
)
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Transformer-XL config"):
        config(**wrong)


def test_the_config_has_the_usual_names_and_survives_a_file(tmp_path: Path) -> None:
    made = config()
    assert (made.hidden_size, made.num_attention_heads, made.num_hidden_layers) == (12, 2, 2)
    assert (made.cluster_ends, made.tie_projs, made.max_position_embeddings) == ([10, 24, 40], [False, True, True], -1)
    made.save_pretrained(tmp_path)
    again = AutoConfig.from_pretrained(tmp_path)
    unlike = {"transformers_version", "_name_or_path"}
    said = [{name: value for name, value in one.to_dict().items() if name not in unlike} for one in (made, again)]
    assert said[0] == said[1]
