"""Keeping to a form: only tokens that can still lead to a text of that form are left to choose (llguidance)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import llguidance.torch
import torch
from llguidance import LLMatcher
from transformers import LogitsProcessor

from engine.errors import EngineError
from engine.settings import Settings

_COMPACT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_MAKERS: dict[str, Callable[[str], str]] = {
    "form_regex": LLMatcher.grammar_from_regex,
    # Small models lose themselves in the spaces that JSON allows between its signs.
    "form_json_schema": partial(LLMatcher.grammar_from_json_schema, defaults=_COMPACT),
    "form_grammar": LLMatcher.grammar_from_lark,
}


def asked(settings: Settings) -> tuple[str, str] | None:
    """(setting, its text) of the form that is asked for."""
    return next(((name, text) for name in _MAKERS if (text := getattr(settings, name))), None)


class Form:
    """How far each row has come in a form. Where a text began with the form, it began at `start` ids."""

    def __init__(self, tokenizer: Any, wanted: tuple[str, str]) -> None:
        self.wanted = wanted
        self.start: int | None = None
        # Silent: it would write to the terminal, over the screen.
        self._beginning = LLMatcher(tokenizer, _MAKERS[wanted[0]](wanted[1]), log_level=0)
        if self._beginning.is_error():
            raise EngineError(f"{wanted[0]}: {self._beginning.get_error()}")
        self._matchers: dict[tuple[int, ...], LLMatcher] = {(): self._beginning}

    def matcher(self, ids: Sequence[int]) -> LLMatcher:
        """The state after these ids, which all belong to the form; rows that share them share it."""
        key = tuple(ids)
        found = self._matchers.get(key)
        if found is None:
            before = self._matchers.get(key[:-1])
            found = (before or self._beginning).deep_copy()
            for token in key[-1:] if before else key:
                found.consume_token(token)
            # What is shorter is behind every row by now.
            self._matchers = {old: state for old, state in self._matchers.items() if len(old) >= len(key) - 1}
            self._matchers[key] = found
        return found

    def is_accepting(self, ids: Sequence[int]) -> bool:
        """Whether a text, all its ids with the prompt's, has the form, be it that more may follow."""
        return self.start is not None and bool(self.matcher(ids[self.start :]).is_accepting())

    def is_complete(self, ids: Sequence[int]) -> bool:
        """Whether a text, all its ids with the prompt's, has the form and nothing can follow."""
        if self.start is None or len(ids) <= self.start:
            return False
        matcher = self.matcher(ids[self.start :])
        return bool(matcher.is_stopped() and not matcher.is_error())


class FormLogitsProcessor(LogitsProcessor):  # type: ignore[misc]
    """Leaves each row the tokens that its form allows."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores (rows, vocabulary) for the token after `input_ids` (rows, length)."""
        if self._form.start is None:
            self._form.start = input_ids.shape[1]
        rows, vocabulary = scores.shape
        allowed = llguidance.torch.allocate_token_bitmask(rows, vocabulary)
        for row, ids in enumerate(input_ids[:, self._form.start :].tolist()):
            llguidance.torch.fill_next_token_bitmask(self._form.matcher(ids), allowed, row)
        scores = scores.clone()
        llguidance.torch.apply_token_bitmask_inplace(scores, allowed.to(scores.device))
        return scores
