"""The byte-level BPE tokenizer: training it, saving it, and turning documents into token pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from engine.models.embedded.corpus import TextFile
from engine.models.embedded.recipe import END_OF_TEXT, Recipe

Tokens = NDArray[np.uint16]
_ENCODE_AT_ONCE = 512


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Learn a byte-level BPE (Sennrich et al. 2016) of at most `vocabulary` tokens.

    Id 0 is the end-of-text token and the 256 bytes are always in, so any text can be encoded. Encoding
    a text puts the end-of-text token before it, as it stood in training.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END_OF_TEXT} $A", special_tokens=[(END_OF_TEXT, tokenizer.token_to_id(END_OF_TEXT))]
    )
    return tokenizer


def tokenizer_for(files: Iterable[TextFile], recipe: Recipe) -> Tokenizer:
    """Learn a tokenizer from the training documents of the files, an equal measure of each."""
    samples = (_first(f.training(recipe.held_out_every), recipe.tokenizer_characters) for f in files)
    return train_tokenizer(chain.from_iterable(samples), recipe.vocabulary)


def save_tokenizer(tokenizer: Tokenizer, recipe: Recipe, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`, as `AutoTokenizer` reads them offline."""
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # a name that transformers 4 and 5 both know
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "add_bos_token": True,
        "model_max_length": recipe.context,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def encode_pieces(tokenizer: Tokenizer, documents: Iterable[str], piece_tokens: int) -> list[Tokens]:
    """Encode documents into pieces, each led by the end-of-text token.

    A document of more than about `piece_tokens` tokens is cut at paragraph ends. A chapter thus
    shows the model many openings rather than one, and what stands first in a prompt is an opening.
    """
    end = tokenizer.token_to_id(END_OF_TEXT)
    newline = tokenizer.encode("\n", add_special_tokens=False).ids
    pieces: list[Tokens] = []
    for group in _batched(documents, _ENCODE_AT_ONCE):
        paragraphs = [text.split("\n") for text in group]
        flat = [line for lines in paragraphs for line in lines]
        encoded = iter(tokenizer.encode_batch(flat, add_special_tokens=False))
        for lines in paragraphs:
            piece = [end]
            for _ in lines:
                if len(piece) > piece_tokens:
                    pieces.append(np.array(piece, dtype=np.uint16))
                    piece = [end]
                elif len(piece) > 1:
                    piece += newline
                piece += next(encoded).ids
            pieces.append(np.array(piece, dtype=np.uint16))
    return pieces


def _first(documents: Iterable[str], characters: int) -> Iterator[str]:
    """The first documents that hold `characters` characters together."""
    for text in documents:
        if characters <= 0:
            return
        yield text
        characters -= len(text)


def _batched(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
