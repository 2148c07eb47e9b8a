"""What a run hands over beside its tokens, to programs that can use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.settings.declaration import declare


def _switch(label: str, help: str) -> Any:
    return declare(False, kind="bool", upstream=False, live=False, label=label, help=help)


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Each step's tensors come as a `Tensors` event, and under `tensors` in the JSON document; no screen shows them."""

    output_scores: bool = _switch(
        "give scores", "For programs: the scores of all tokens as they were chosen from, step by step."
    )
    output_logits: bool = _switch("give logits", "For programs: the model's own logits of all tokens, step by step.")
    output_attentions: bool = _switch(
        "give attentions",
        "For programs: what each token looked at, layer by layer and step by step; the model attends the plain way "
        "for that run.",
    )
    output_hidden_states: bool = _switch(
        "give states", "For programs: every layer's hidden states, step by step, the embeddings first."
    )
    return_dict_in_generate: bool = _switch(
        "give a document",
        "The generate command prints its JSON document, as by --json; a program gets the whole result in any case.",
    )
