"""Assisted decoding: a draft guesses the next tokens, the model sees them in one pass, and right guesses are kept.

Each token is chosen from the model's own processed distribution, by the sequence's own random stream, exactly as
without a draft; a drafted token is accepted where it is the one that was chosen. So the text is that of greedy search
or sampling at the same seed, up to the rounding between wide and narrow passes, whatever the draft is worth. A draft
here is certain of its tokens, so that one is accepted as often as in speculative sampling: with the probability that
the model gives it (Leviathan et al. 2023; Chen et al. 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import torch

from engine.events import Drafted, Event, Note, Noted, Prefilled
from engine.models.loaded import LoadedModel
from engine.strategies.assisted.choose import draft_for
from engine.strategies.assisted.lookup import Lookup
from engine.strategies.assisted.translated import Translated
from engine.strategies.choosing import chosen_tokens
from engine.strategies.run import Run


@dataclass
class _Round:
    """What was drafted from the new token `index` on, the logits for each of its tokens and one more.

    They hold for as long as the runner's `view` is the one that they were computed under.
    """

    index: int
    proposed: list[int]
    logits: Iterator[torch.Tensor]
    view: object = None
    beliefs: Sequence[torch.Tensor] = ()
    accepted: int = 0

    def accepts(self, token_id: int) -> bool:
        """Whether the token that was chosen is the next one of the draft; False ends the round."""
        if self.accepted == len(self.proposed) or self.proposed[self.accepted] != token_id:
            return False
        self.accepted += 1
        return True

    def mixed(self, scores: torch.Tensor, weight: float) -> torch.Tensor:
        """The scores (1, vocabulary) of a mixture in which the model has this weight and the draft the rest.

        The draft has its say among the tokens that the settings leave. Where it proposed nothing, or knows no
        probabilities, the scores stay as they are (static ensemble verification, as the library has it).
        """
        if weight == 1 or self.accepted >= len(self.beliefs):
            return scores
        own = torch.softmax(scores, dim=-1)
        belief = own.new_zeros(own.shape)
        width = min(own.shape[-1], self.beliefs[self.accepted].shape[-1])
        belief[0, :width] = self.beliefs[self.accepted][:width]
        belief = belief.masked_fill(own == 0, 0)
        total = belief.sum()
        return (weight * own + (1 - weight) * belief / total).log() if total > 0 else scores

    def told(self, model: LoadedModel, source: str) -> Iterator[Event]:
        """What became of it, where anything was drafted."""
        if self.proposed:
            texts = tuple(map(model.piece, self.proposed))
            yield Drafted(self.index, tuple(self.proposed), texts, self.accepted, source)


def assisted(run: Run) -> Iterator[Event]:
    """Greedy or drawn, as `do_sample` says; one sequence. Each token obeys the settings of its own step."""
    draft, runner = draft_for(run.model, run.settings), run.runner
    growing, now = run.sequences[0], _Round(0, [], iter(()))
    over = True
    if run.settings.assistant_ensemble_weight < 1 and isinstance(draft, Lookup | Translated):
        said = f"No effect: assistant_ensemble_weight; {draft.source} has no probabilities for the model's tokens."
        yield Noted(Note("info", "no-effect", said))

    def closed(length: int) -> Iterator[Event]:
        """The round is over, and the text has come to this length."""
        runner.rewind(length)
        draft.judged(len(now.proposed), now.accepted, run.settings)
        return now.told(run.model, draft.source)

    for index in count():
        yield from run.begin_step(index)
        if run.stopped or index >= run.room():
            growing.reason = None if run.stopped else "length"
            break
        length = len(run.prompt_ids) + index
        if not over and now.view != runner.view:
            over = True
            yield from closed(length - 1)
        if index == 0:
            logits, reused = run.prefill(1)
            yield Prefilled(runner.seen, reused, run.prefill_s, runner.cache_shape())
            now = _Round(0, [], iter([logits]))
        elif over:
            with run.timed():
                text = [*run.prompt_ids, *growing.ids]
                draft.adapt(runner.adapters)
                proposed = draft.propose(text, run.room() - index - 1, run.settings)
                passes = runner.extend(torch.tensor([text[-1], *proposed]))
                now = _Round(index, proposed, passes, runner.view, draft.beliefs)
        with run.timed():
            logits = next(now.logits)
        yield from run.forgotten(index, [growing])
        with run.timed():
            ids = runner.ids[:, :length]
            scores = now.mixed(run.sampler.process(ids, logits), run.settings.assistant_ensemble_weight)
            chosen, told = chosen_tokens(run, index, [growing], ids, logits, scores)
        yield from told
        over = not now.accepts(int(chosen)) or growing.reason is not None
        if over:
            yield from closed(length)
        if growing.reason is not None:
            return
    if not over:  # it was cut short between two drafted tokens
        runner.rewind(len(run.prompt_ids) + len(growing.ids))
        yield from now.told(run.model, draft.source)
