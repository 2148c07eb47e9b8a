"""Tiny random models, made on the spot, and short ways to run one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as pieces
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

import engine
from engine.controls import Controls
from engine.events import Event, Finished, Token
from engine.families import FAMILIES
from engine.models.loaded import LoadedModel
from engine.releases import NO_CACHE_IN_GENERATE
from engine.settings import Settings
from tests.paths import GOLDEN

torch.set_num_threads(1)

VOCABULARY = 300
END = VOCABULARY - 1
PROMPT = (72, 101, 40, 260, 7, 33)
GREEDY = Settings(strategy="greedy", max_new_tokens=12)
SAMPLED = Settings(top_p=1.0, max_new_tokens=12, seed=5)


@cache
def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE as GPT-2's: all bytes, a few merges, and an end of text as the last id."""
    tokenizer = Tokenizer(pieces.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=END, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    text = "the old keeper of the lighthouse told the children of the river and the other river café naïve "
    tokenizer.train_from_iterator([text * 3, text.upper()], trainer)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


@cache
def metaspace_tokenizer() -> PreTrainedTokenizerFast:
    """As sentencepiece's: words carry their space in front, and unknown characters fall back to their bytes."""
    words = ["▁", "▁the", "▁old", "▁river", "s", "▁a", "é", ",", "."]
    vocabulary = {token: i for i, token in enumerate(["<unk>", "<s>", "</s>"])}
    vocabulary |= {f"<0x{byte:02X}>": len(vocabulary) + byte for byte in range(256)}
    vocabulary |= {word: len(vocabulary) + i for i, word in enumerate(words)}
    tokenizer = Tokenizer(
        pieces.Unigram([(token, -float(i)) for token, i in vocabulary.items()], 0, byte_fallback=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
    )


def tiny_gpt2(**config: Any) -> LoadedModel:
    """A GPT-2 of two layers and 64 positions; the large initial weights make its choices differ from step to step."""
    sizes: dict[str, Any] = {"n_layer": 2, "n_embd": 16, "n_head": 2, "n_positions": 64, "vocab_size": VOCABULARY}
    sizes |= {"bos_token_id": END, "eos_token_id": END, "initializer_range": 0.5}
    return loaded(_made(GPT2LMHeadModel, GPT2Config(**(sizes | config))))


def tiny_mistral(window: int | None = 8) -> LoadedModel:
    """A model whose cache forgets what lies further back than its sliding window."""
    config = MistralConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=window,
        max_position_embeddings=128,
        bos_token_id=END,
        eos_token_id=END,
        initializer_range=0.5,
    )
    return loaded(_made(MistralForCausalLM, config))


def tiny_openai_gpt() -> LoadedModel:
    """A model that the library gives no cache."""
    config = OpenAIGPTConfig(
        vocab_size=VOCABULARY, n_positions=64, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5
    )
    return loaded(_made(OpenAIGPTLMHeadModel, config))


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TURN_END = VOCABULARY + 1


def tiny_chat(template: Any = CHATML) -> LoadedModel:
    """A GPT-2 with a chat template, whose end of a turn is none of its ends of text."""
    tokenizer = copy.deepcopy(byte_level_tokenizer())
    tokenizer.add_tokens([AddedToken(mark, special=True) for mark in ("<|im_start|>", "<|im_end|>")])
    tokenizer.chat_template = template
    model = tiny_gpt2(vocab_size=VOCABULARY + 2, n_positions=512)
    return replace(model, tokenizer=tokenizer)


def loaded(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast | None = None) -> LoadedModel:
    """A model of the test's own making, as `engine.load` would give it."""
    return LoadedModel("tiny", "", FAMILIES["auto"], model.eval(), tokenizer or byte_level_tokenizer())


@cache
def golden_model(name: str) -> LoadedModel:
    """A checkpoint of the reference data, loaded once."""
    return engine.load(str(GOLDEN / "checkpoints" / name), device="cpu")


def play(
    model: LoadedModel,
    prompt: str | Sequence[int] = PROMPT,
    settings: Settings = GREEDY,
    controls: Controls | None = None,
    **more: Any,
) -> list[Event]:
    """All events of one run."""
    return list(engine.generate(model, prompt, settings, controls, **more))


def end(events: Sequence[Event]) -> Finished:
    """The end of a run, which must be a good one."""
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def ids(events: Sequence[Event], sequence: int = 0) -> list[int]:
    """The new ids of one sequence, by the token events, which must agree with the end."""
    told = [event.id for event in events if isinstance(event, Token) and event.sequence == sequence]
    assert told == list(end(events).sequences[sequence].token_ids)
    return told


def by_library(model: LoadedModel, prompt: Sequence[int] = PROMPT, seed: int = 42, **options: Any) -> list[int]:
    """The new ids that transformers' own generate() gives."""
    torch.manual_seed(seed)
    output = generated(model, prompt, pad_token_id=0, **options)
    return output[0, len(prompt) :].tolist()


def generated(model: LoadedModel, prompt: Sequence[int], **options: Any) -> Any:
    """What transformers' own generate() returns for a prompt, without a cache where it would go wrong with one."""
    given = torch.tensor([list(prompt)])
    if model.model.config.model_type in NO_CACHE_IN_GENERATE:
        options |= {"use_cache": False}
    return model.model.generate(given, attention_mask=torch.ones_like(given), **options)


def xlnet_pass(model: PreTrainedModel, ids: torch.Tensor, memory: Sequence[torch.Tensor] | None, **more: Any) -> Any:
    """XLNet's output for the token after ids (rows, n), by its forward pass alone: a dummy that only itself sees.

    With the memory (rows seen so far and the dummy's) of the pass before, the last two ids are seen once more.
    """
    if memory is not None:
        ids, memory = ids[:, -2:], [layer[:-2] for layer in memory]
    given = torch.cat([ids, ids.new_zeros(ids.shape[0], 1)], dim=1)
    hidden = torch.zeros(*given.shape, given.shape[1], dtype=model.dtype)
    hidden[:, :, -1] = 1
    target = torch.zeros(ids.shape[0], 1, given.shape[1], dtype=model.dtype)
    target[:, 0, -1] = 1
    return model(given, mems=memory, perm_mask=hidden, target_mapping=target, use_mems=True, **more)


@contextmanager
def counted(model: LoadedModel) -> Iterator[list[int]]:
    """A list that gets the width of each forward pass as it begins."""
    widths: list[int] = []

    def note(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
        widths.append(given.shape[1])

    handle = model.model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield widths
    finally:
        handle.remove()


def saved(model: LoadedModel, folder: Path) -> Path:
    """The model as a checkpoint folder."""
    model.model.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    return folder


def _made(kind: type[PreTrainedModel], config: Any) -> PreTrainedModel:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return kind(config)
