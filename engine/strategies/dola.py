"""DoLa (Chuang et al. 2024): what the last layer says beyond what an early layer already said.

At each step, of the candidate layers, the one whose distribution differs most from the last layer's (by the
Jensen-Shannon divergence) is subtracted from it, over the tokens that the last layer finds plausible.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count

import torch

from engine.errors import EngineError
from engine.events import Contrasted, Event, Prefilled
from engine.strategies.run import Run

_PLAUSIBLE = 0.1  # a token's probability relative to the likeliest one's
_IMPLAUSIBLE_BASE = -1e-3  # what stands for an early layer's score where the last layer's is ruled out
_DEEP = 40  # layers above which only the twenty at either end are candidates


def dola(run: Run) -> Iterator[Event]:
    """Greedy or drawn, as `do_sample` says; all sequences go on in step, each with a layer of its own."""
    model = run.model.model
    head = model.get_output_embeddings() or getattr(model, "crit", None)  # Transformer-XL's is an adaptive softmax
    if head is None:
        raise EngineError("DoLa needs an output layer that can read any layer, and this model has none")
    with run.runner.watched():
        yield from _search(run, head)


def _search(run: Run, head: torch.nn.Module) -> Iterator[Event]:
    runner = run.runner
    alive = list(run.sequences)
    chosen: torch.Tensor | None = None
    for index in count():
        yield from run.begin_step(index)
        if run.stopped:
            return
        if index >= run.room():
            for growing in alive:
                growing.reason = "length"
            return
        layers = candidate_layers(run)
        if chosen is None:
            logits, reused = run.prefill(1)
            yield Prefilled(run.runner.seen, reused, run.prefill_s, runner.cache_shape())
            early = _early(runner.hidden, layers, head)
            if len(alive) > 1:
                runner.fork([0] * len(alive))
                logits, early = logits.repeat(len(alive), 1), early.repeat(1, len(alive), 1)
        else:
            with run.timed():
                logits = runner.step(chosen)
                early = _early(runner.hidden, layers, head)
        yield from run.forgotten(index, alive)
        with run.timed():
            contrast, chosen_layers = contrasted(logits, early, run.sampler.in_form(runner.ids, logits))
            scores = run.sampler.process(runner.ids, contrast)
            chosen = run.sampler.choose(scores, [growing.number for growing in alive])
            logprobs = torch.log_softmax(scores, dim=-1)
            picked = logprobs.gather(-1, chosen[:, None]).squeeze(1).tolist()
            others = run.alternatives(logprobs, logits)
            told = [
                run.append(growing, token_id, logprob, alternatives)
                for growing, token_id, logprob, alternatives in zip(alive, chosen.tolist(), picked, others, strict=True)
            ]
        for growing, place in zip(alive, chosen_layers.tolist(), strict=True):
            yield Contrasted(index, growing.number, layers[place], tuple(layers))
        yield from told
        rows = [row for row, growing in enumerate(alive) if growing.reason is None]
        if not rows:
            return
        if len(rows) < len(alive):
            runner.fork(rows)
            alive = [alive[row] for row in rows]
            chosen = chosen[rows]


def candidate_layers(run: Run) -> list[int]:
    """The layers to contrast with; 0 is the embeddings. Raises `EngineError` where the model has none such."""
    config = run.model.model.config.get_text_config(decoder=True)
    last, asked = int(config.num_hidden_layers), run.settings.dola_layers
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


@torch.inference_mode()
def _early(hidden: tuple[torch.Tensor, ...], layers: list[int], head: torch.nn.Module) -> torch.Tensor:
    """The logits (layers, rows, vocabulary) that the output layer reads off the last position of these layers."""
    return torch.stack([head(hidden[layer][:, -1]).float() for layer in layers])
