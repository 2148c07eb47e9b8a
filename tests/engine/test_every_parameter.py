"""Every name of the library's GenerationConfig and of its generate() is taken, and a run with it ends in words."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from transformers import CompileConfig, GenerationConfig

from engine import SettingError, Settings
from engine.command_line import settings_from
from engine.events import Failed, Finished, Note, Prepared
from engine.models.loaded import LoadedModel
from engine.run_generation import parser
from engine.settings import PARAMETERS
from tests.models import PROMPT, end, play, tiny_gpt2

# All rows of the table, each with a value that is not the library's default.
TABLE: dict[str, Any] = {
    "max_length": 9, "max_new_tokens": 3, "min_length": 7, "min_new_tokens": 2, "early_stopping": True,
    "max_time": 9.0, "stop_strings": ["t"], "do_sample": True, "num_beams": 3, "num_beam_groups": 2,
    "diversity_penalty": 0.5, "penalty_alpha": 0.5, "dola_layers": "high", "force_words_ids": [[5]],
    "constraints": [[5], [[6, 7], [8]]], "use_cache": False, "cache_implementation": "static",
    "cache_config": {"backend": "fp8"}, "return_legacy_cache": True, "temperature": 0.5, "top_k": 3, "top_p": 0.5,
    "min_p": 0.1, "typical_p": 0.5, "epsilon_cutoff": 0.01, "eta_cutoff": 0.01, "top_h": 0.5,
    "repetition_penalty": 1.3, "encoder_repetition_penalty": 1.3, "length_penalty": 2.0, "no_repeat_ngram_size": 2,
    "encoder_no_repeat_ngram_size": 2, "bad_words_ids": [[5], [6, 7]], "renormalize_logits": True,
    "forced_bos_token_id": 5, "forced_eos_token_id": 7, "remove_invalid_values": True,
    "exponential_decay_length_penalty": [2, 1.5], "suppress_tokens": [5], "begin_suppress_tokens": [5],
    "forced_decoder_ids": [[7, 5]], "sequence_bias": [[[5], 2.0]], "token_healing": True, "guidance_scale": 1.5,
    "low_memory": True, "watermarking_config": {"bias": 3.0}, "num_return_sequences": 2, "output_attentions": True,
    "output_hidden_states": True, "output_scores": True, "output_logits": True, "return_dict_in_generate": True,
    "pad_token_id": 3, "bos_token_id": 4, "eos_token_id": [5, 6], "decoder_start_token_id": 4, "is_assistant": True,
    "num_assistant_tokens": 3, "num_assistant_tokens_schedule": "heuristic", "assistant_confidence_threshold": 0.2,
    "prompt_lookup_num_tokens": 3, "max_matching_ngram_size": 3, "assistant_early_exit": 1,
    "assistant_lookbehind": 5, "target_lookbehind": 5, "assistant_ensemble_weight": 0.5, "use_mtp": True,
    "speculation_type": "dflash", "compile_config": {"mode": "default"}, "disable_compile": True, "max_cache_len": 50,
    "prefill_chunk_size": 2, "generation_kwargs": {"top_k": 3}, "assistant_model": "./nowhere",
    "negative_prompt_ids": [5, 6], "negative_prompt_attention_mask": [0, 1], "synced_gpus": True,
    # Not in the table: of the installed release.
    "continuous_batching_config": {"block_size": 4},
}  # fmt: skip
WITHOUT_MEANING = {
    "return_legacy_cache", "pad_token_id", "decoder_start_token_id", "is_assistant", "use_mtp", "speculation_type",
    "compile_config", "disable_compile", "synced_gpus", "continuous_batching_config",
}  # fmt: skip
# What a name needs beside it to make a run.
BESIDE: dict[str, dict[str, Any]] = {
    "num_beam_groups": {"num_beams": 4, "diversity_penalty": 0.5},
    "force_words_ids": {"num_beams": 3},
    "constraints": {"num_beams": 3},
    "num_return_sequences": {"do_sample": True},
    "negative_prompt_attention_mask": {"negative_prompt_ids": [5, 6], "guidance_scale": 1.5},
    "low_memory": {"penalty_alpha": 0.5},
    "cache_config": {"cache_implementation": "quantized"},
    "max_cache_len": {"cache_implementation": "static"},
    "assistant_ensemble_weight": {"prompt_lookup_num_tokens": 3},
}
REMARKS = {"transformers_version"}


def on_the_command_line(names: dict[str, Any]) -> Settings:
    words = [word for name, value in names.items() for word in (f"--{name}", _typed(value))]
    return settings_from(parser().parse_args(words), Settings.from_generation_config({}))


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def said(model: LoadedModel, settings: Settings) -> list[Note]:
    ready = play(model, PROMPT, settings)[0]
    assert isinstance(ready, Prepared)
    return list(ready.notes)


def test_nothing_that_the_installed_library_knows_is_missing() -> None:
    known = {name for name in vars(GenerationConfig()) if not name.startswith("_")} - REMARKS
    assert known - TABLE.keys() == set()
    assert TABLE.keys() - PARAMETERS.keys() == set()
    assert {name for name, parameter in PARAMETERS.items() if parameter.inert} == WITHOUT_MEANING
    # As a config is saved: all names at once, most of them empty.
    saved = GenerationConfig().to_dict() | {"_from_model_config": True}
    assert Settings.from_generation_config(saved) == Settings.from_generation_config({})


@pytest.mark.parametrize("name", TABLE)
def test_a_name_is_taken_everywhere_and_its_run_ends_in_words(gpt2: LoadedModel, name: str) -> None:
    given = {name: TABLE[name], **BESIDE.get(name, {})}
    settings = Settings.from_generation_config(given)
    typed = on_the_command_line(given)
    assert all(getattr(typed, each) == getattr(settings, each) for each in given)
    if name != "generation_kwargs":
        assert getattr(settings, name) != getattr(Settings.from_generation_config({}), name)
        assert Settings(**settings.to_dict()) == settings
    last = play(gpt2, PROMPT, settings.changed(max_new_tokens=4))[-1]
    if name == "assistant_model":
        assert isinstance(last, Failed) and "nowhere" in last.error and "\n" not in last.error
    else:
        assert isinstance(last, Finished), last
    notes = [note.text for note in said(gpt2, settings) if name in note.text]
    assert len(notes) <= 1 and all("no effect" in text.lower() for text in notes)
    assert (notes == [f"No effect here: {name}."]) == (name in WITHOUT_MEANING)


def test_all_that_means_nothing_is_said_in_one_note_and_changes_nothing(gpt2: LoadedModel) -> None:
    settings = Settings.from_generation_config({name: TABLE[name] for name in WITHOUT_MEANING})
    (note,) = said(gpt2, settings)
    assert note.text.startswith("No effect here: ") and all(name in note.text for name in WITHOUT_MEANING)
    plain = end(play(gpt2, PROMPT, Settings.from_generation_config({})))
    assert end(play(gpt2, PROMPT, settings)).sequences == plain.sequences


def test_further_settings_are_set_as_if_named_by_themselves() -> None:
    further = {"top-k": 3, "sequence_bias": [[[5], 2.0]], "num_beams": 3}
    settings = Settings.from_generation_config({"generation_kwargs": further})
    assert (settings.top_k, settings.sequence_bias, settings.strategy) == (3, (((5,), 2.0),), "beam")
    assert settings.generation_kwargs is None and settings == Settings.from_generation_config(further)
    changed = Settings().changed(generation_kwargs={"temperature": 0.5})
    assert changed == Settings(temperature=0.5)
    for make in (
        lambda given: Settings(generation_kwargs=given),
        lambda given: on_the_command_line({"generation_kwargs": given}),
    ):
        with pytest.raises(SettingError, match="generation_kwargs topk: no such setting"):
            make({"topk": 5})


def test_the_library_s_own_objects_are_taken() -> None:
    class Phrases:
        token_ids = ((5, 6), (7,))

    settings = Settings.from_generation_config({"constraints": [Phrases(), [9]], "num_beams": 3})
    assert settings.forced_phrases == (((5, 6), (7,)), ((9,),)) and settings.strategy == "constrained-beam"
    compiled = Settings.from_generation_config({"compile_config": CompileConfig(mode="default")})
    assert ("mode", "default") in (compiled.compile_config or ())


def test_a_constraint_must_come(gpt2: LoadedModel) -> None:
    settings = Settings(strategy="constrained-beam", constraints=[[33], [[44, 45], [46]]], max_new_tokens=8)  # type: ignore[arg-type]
    found = end(play(gpt2, PROMPT, settings)).sequences[0].token_ids
    assert 33 in (*PROMPT, *found) and (46 in found or (44, 45) in pairwise(found))


def test_a_masked_negative_token_is_left_out(gpt2: LoadedModel) -> None:
    guided = Settings(strategy="greedy", guidance_scale=2, negative_prompt_ids=(9, 5, 6), max_new_tokens=6)
    masked = guided.changed(negative_prompt_attention_mask=(0, 1, 1))
    wanted = guided.changed(negative_prompt_ids=(5, 6))
    assert (
        end(play(gpt2, PROMPT, masked)).sequences[0].logprobs == end(play(gpt2, PROMPT, wanted)).sequences[0].logprobs
    )
    last = play(gpt2, PROMPT, guided.changed(negative_prompt_attention_mask=(1,)))[-1]
    assert isinstance(last, Failed) and "for each of the 3 negative_prompt_ids" in last.error


@pytest.mark.parametrize("prompt", ["", []])
def test_an_empty_prompt_begins_with_the_start_token(prompt: Any) -> None:
    model = tiny_gpt2()
    first = play(model, prompt, Settings(max_new_tokens=2))[0]
    other = play(model, prompt, Settings(max_new_tokens=2, bos_token_id=7))[0]
    assert isinstance(first, Prepared) and isinstance(other, Prepared)
    assert (first.ids, other.ids) == ((299,), (7,))
    model.model.generation_config.bos_token_id = None
    model.tokenizer = type(model.tokenizer)(tokenizer_object=model.tokenizer.backend_tokenizer)
    last = play(model, prompt, Settings())[-1]
    assert isinstance(last, Failed) and "bos_token_id" in last.error
    assert isinstance(play(model, prompt, Settings(bos_token_id=7, max_new_tokens=2))[-1], Finished)
