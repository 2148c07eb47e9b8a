"""XLNet's tokenizer as the model was trained with it: sentencepiece itself splits the text (Kudo & Richardson 2018).

The library now converts spiece.model to its own format and takes the symbols that stand in it (quotes, brackets,
full stops) for words of their own, which gives other ids than the model knows, and a space after each when read back.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from transformers.tokenization_utils_sentencepiece import SentencePieceBackend

_SPACE = "▁"


class XLNetTokenizer(SentencePieceBackend):  # type: ignore[misc]
    """Pieces that carry their space in front; nothing is added around a text.

    Accents are taken off unless `keep_accents`, and a number before a comma is split without it, so that "1,500" and
    "1, 500" begin alike.
    """

    vocab_files_names = {"vocab_file": "spiece.model"}  # noqa: RUF012
    padding_side = "left"

    def __init__(
        self,
        vocab_file: str,
        *,
        do_lower_case: bool = False,
        remove_space: bool = True,
        keep_accents: bool = False,
        **options: Any,
    ) -> None:
        self.do_lower_case = do_lower_case
        self.remove_space = remove_space
        self.keep_accents = keep_accents
        marks = {name: f"<{name}>" for name in ("unk", "sep", "pad", "cls", "mask")} | {"bos": "<s>", "eos": "</s>"}
        for name, mark in marks.items():
            options.setdefault(f"{name}_token", mark)
        if not {"additional_special_tokens", "extra_special_tokens"} & options.keys():
            options["additional_special_tokens"] = ["<eop>", "<eod>"]
        # A folder saved by the library names the symbols, signs such as quotes, as marks: here they are text.
        for name in {"additional_special_tokens", "extra_special_tokens"} & options.keys():
            options[name] = [mark for mark in options[name] if len(str(mark)) > 1]
        added = options.get("added_tokens_decoder", {})
        options["added_tokens_decoder"] = {number: mark for number, mark in added.items() if len(str(mark)) > 1}
        super().__init__(
            vocab_file=vocab_file,
            do_lower_case=do_lower_case,
            remove_space=remove_space,
            keep_accents=keep_accents,
            special_tokens_pattern="none",
            **options,
        )

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        return [part for piece in self.sp_model.encode(self._plain(text), out_type=str) for part in self._parts(piece)]

    def _plain(self, text: str) -> str:
        if self.remove_space:
            text = " ".join(text.split())
        text = text.replace("``", '"').replace("''", '"')
        if not self.keep_accents:
            text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
        return text.lower() if self.do_lower_case else text

    def _parts(self, piece: str) -> list[str]:
        """The piece itself, or what a piece such as "▁1," is split into."""
        if len(piece) < 2 or not piece.endswith(",") or not piece[-2].isdigit():
            return [piece]
        parts = list(self.sp_model.encode(piece[:-1].replace(_SPACE, ""), out_type=str))
        if not piece.startswith(_SPACE) and parts[0].startswith(_SPACE):  # a space that the splitting put there
            parts[0] = parts[0].removeprefix(_SPACE)
        return [*filter(None, parts), ","]
