"""DoLa (Chuang et al. 2024): what the last layer says beyond what an early layer already said.

At each step, of the candidate layers, the one whose distribution differs most from the last layer's (by the
Jensen-Shannon divergence) is subtracted from it, over the tokens that the last layer finds plausible.

Under guidance every layer is guided: its log-probabilities are moved away from those of the same layer after the other
beginning. Both are differences of logarithms, so for one layer it is the same to guide first and contrast then, or the
other way round; the layer and the plausible tokens are chosen once, by what the guided layers say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch

from engine.errors import EngineError
from engine.events import Contrasted, Event
from engine.models.loaded import LoadedModel
from engine.runner.guided import GuidedRunner
from engine.sampling import Sampler
from engine.settings import Settings
from engine.strategies.run import Growing, Run
from engine.strategies.sample import in_step

_PLAUSIBLE = 0.1  # a token's probability relative to the likeliest one's
_IMPLAUSIBLE_BASE = -1e-3  # what stands for an early layer's score where the last layer's is ruled out
_DEEP = 40  # layers above which only the twenty at either end are candidates


class LayersRead(NamedTuple):
    """What the last layer says beyond an early one (rows, vocabulary), which of `layers` that is for each row."""

    logits: torch.Tensor
    places: torch.Tensor
    layers: list[int]


def dola(run: Run) -> Iterator[Event]:
    """Greedy or drawn, as `do_sample` says; all sequences go on in step, each with a layer of its own."""

    def read(logits: torch.Tensor, alive: list[Growing]) -> tuple[torch.Tensor, Iterable[Event]]:
        found = read_layers(run.model, run.runner, run.sampler, logits)
        index, layers = len(alive[0].ids), tuple(found.layers)
        told = zip(alive, found.places.tolist(), strict=True)
        return found.logits, [Contrasted(index, growing.number, layers[place], layers) for growing, place in told]

    with run.runner.watched():
        yield from in_step(run, read)


def read_layers(model: LoadedModel, runner: GuidedRunner, sampler: Sampler, logits: torch.Tensor) -> LayersRead:
    """For the last pass of a runner that is watched; `logits` are its own. Raises `EngineError`."""
    head = model.model.get_output_embeddings() or getattr(model.model, "crit", None)  # Transformer-XL's is adaptive
    if head is None:
        raise EngineError("DoLa needs an output layer that can read any layer, and this model has none")
    layers = candidate_layers(model, sampler.settings)
    early = runner.early(layers, head).expand(-1, logits.shape[0], -1)  # a prompt goes through as one row
    return LayersRead(*contrasted(logits, early, sampler.in_form(runner.ids, logits)), layers)


def candidate_layers(model: LoadedModel, settings: Settings) -> list[int]:
    """The layers to contrast with; 0 is the embeddings. Raises `EngineError` where the model has none such."""
    config = model.model.config.get_text_config(decoder=True)
    last, asked = int(config.num_hidden_layers), settings.dola_layers
    # With tied embeddings the early exit from the embeddings only says the token before again.
    first = 0 if not config.tie_word_embeddings else 2 if last > 2 else last - 1
    middle = last // 2
    if asked == "low":
        found = [first] if first == middle else list(range(first, middle if last <= _DEEP else 20, 2))
    elif asked == "high":
        found = list(range(middle if last <= _DEEP else last - 20, last, 2))
    else:
        found = [layer for layer in asked or () if isinstance(layer, int) and layer < last]
    if not found:
        raise EngineError(f"dola_layers {asked}: this model of {last} layers has none of these below its last")
    return found


def contrasted(
    logits: torch.Tensor, early: torch.Tensor, allowed: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the last layer says beyond an early one: (rows, vocabulary), and the place of that layer for each row.

    `logits` are the last layer's (rows, vocabulary), `early` those of the candidates (layers, rows, vocabulary).
    `allowed` are the last layer's logits where a form leaves some tokens alone: of these the plausible ones are taken.
    """
    last, others = torch.log_softmax(logits, dim=-1), torch.log_softmax(early, dim=-1)
    mean = 0.5 * (last.exp() + others.exp())
    # Written as kl_div(log p, m) = m (log m - log p), as the authors' code has it.
    divergence = (torch.xlogy(mean, mean) - mean * last + torch.xlogy(mean, mean) - mean * others).mean(dim=-1)
    place = divergence.argmax(dim=0)
    base = others[place, torch.arange(logits.shape[0], device=logits.device)]
    last = last if allowed is None else torch.log_softmax(allowed, dim=-1)
    ruled_out = last < last.max(dim=-1, keepdim=True).values + math.log(_PLAUSIBLE)
    base = base.masked_fill(ruled_out, _IMPLAUSIBLE_BASE)
    return last.masked_fill(ruled_out, -float("inf")) - base, place
