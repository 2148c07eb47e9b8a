"""Words as Moses splits them, each an entry of the vocabulary or `<unk>`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sacremoses import MosesDetokenizer, MosesPunctNormalizer, MosesTokenizer  # type: ignore[import-untyped]
from transformers import PreTrainedTokenizer

from engine.errors import LoadError, PromptError, shown
from engine.families.transfo_xl.detokenizer import WordStream
from engine.families.transfo_xl.vocabulary import read_symbols

_NUMBER_SIGN = re.compile(r"(?<=\d)[,.](?=\d)")  # the comma of 1,000 and the point of 3.5
_SIGN_ALONE = re.compile(r" @([,.])@ ")
_SAVED = "vocab.json"


class TransfoXLTokenizer(PreTrainedTokenizer):  # type: ignore[misc]
    """The tokenizer of WikiText-103: Moses, with `1,000` as `1 @,@ 000` and `3.5` as `3 @.@ 5`.

    Reads `vocab.json` (a list of symbols, which it writes itself), `vocab.pkl`, `vocab.bin` or `vocab.txt`, in this
    order. Special tokens that the vocabulary lacks are left out: the model has no row for them.
    """

    vocab_files_names = {  # noqa: RUF012
        "symbols_file": _SAVED,
        "pretrained_vocab_file": "vocab.pkl",
        "pretrained_vocab_file_torch": "vocab.bin",
        "vocab_file": "vocab.txt",
    }
    model_input_names = ["input_ids"]  # noqa: RUF012

    def __init__(
        self,
        symbols_file: str | None = None,
        pretrained_vocab_file: str | None = None,
        pretrained_vocab_file_torch: str | None = None,
        vocab_file: str | None = None,
        lower_case: bool = False,
        language: str = "en",
        unk_token: str = "<unk>",
        eos_token: str = "<eos>",
        extra_special_tokens: Sequence[Any] = ("<formula>",),
        **kwargs: Any,
    ) -> None:
        file = symbols_file or pretrained_vocab_file or pretrained_vocab_file_torch or vocab_file
        if file is None:
            raise LoadError(f"no vocabulary in this folder (vocab.pkl, vocab.bin, {_SAVED} or vocab.txt)")
        self.idx2sym = read_symbols(Path(file))
        self.sym2idx = {symbol: index for index, symbol in enumerate(self.idx2sym)}
        self.lower_case = lower_case
        self.language = language
        unknown = next((token for token in (str(unk_token), "<unk>", "<UNK>") if token in self.sym2idx), None)
        self._normalizer = MosesPunctNormalizer(language)
        self._tokenizer = MosesTokenizer(language)
        self._detokenizer = MosesDetokenizer(language)
        kwargs.setdefault("clean_up_tokenization_spaces", True)
        kwargs.setdefault("special_tokens_pattern", "none")
        super().__init__(
            lower_case=lower_case,
            language=language,
            unk_token=unknown,
            eos_token=eos_token if str(eos_token) in self.sym2idx else None,
            extra_special_tokens=[token for token in extra_special_tokens if str(token) in self.sym2idx],
            **kwargs,
        )

    @property
    def vocab_size(self) -> int:
        return len(self.idx2sym)

    def get_vocab(self) -> dict[str, int]:
        return self.sym2idx | self.added_tokens_encoder

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        text = text.strip()
        if self.lower_case:
            text = text.lower()
        words = self._tokenizer.tokenize(
            self._normalizer.normalize(text),
            aggressive_dash_splits=True,
            escape=False,
            protected_patterns=[re.escape(token) for token in self.all_special_tokens],
        )
        return [part for word in words for part in _NUMBER_SIGN.sub(r" @\g<0>@ ", word).split()]

    def _convert_token_to_id(self, token: str) -> int:
        index = self.sym2idx.get(token)
        if index is None and self.unk_token is not None:
            index = self.sym2idx[self.unk_token]
        if index is None:
            raise PromptError(f"{shown(token)} is not in the vocabulary, which has no sign for unknown words")
        return index

    def _convert_id_to_token(self, index: int) -> str | None:
        return self.idx2sym[index] if 0 <= index < len(self.idx2sym) else None

    def convert_tokens_to_string(self, tokens: list[str | None]) -> str:
        text = self._detokenizer.detokenize([token for token in tokens if token is not None])
        return _SIGN_ALONE.sub(r"\1", text).strip()

    def detokenizer(self, before: Sequence[int] = ()) -> WordStream:
        """Turns ids that follow `before` into text one at a time."""
        return WordStream(self, before)

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str]:
        """Write the symbols as a JSON list, by their ids: no pickle."""
        name = f"{filename_prefix}-{_SAVED}" if filename_prefix else _SAVED
        file = Path(save_directory, name)
        file.write_text(json.dumps(self.idx2sym, ensure_ascii=False, indent=0), encoding="utf-8")
        return (str(file),)
