"""Beam search: several continuations at once, the best of them kept at every step.

Tokens are told as soon as no beam that is still in play disagrees about them, so what was told is never taken back;
the beams beyond that point are told with every step. Scores and the rule for ending are those of the library (the sum
of the processed log-probabilities over the number of new tokens to the power of the length penalty).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple

import torch

from engine.events import Alternative, Beam, Beams, Event, FinishReason, Note, Noted, Prefilled
from engine.strategies.beams.path import Node, Path, meeting, since
from engine.strategies.beams.pool import Pool
from engine.strategies.run import Run

# What stands for "no beam yet": all beams begin alike, and only the first may be gone on with.
NOTHING = -1e9


class Candidate(NamedTuple):
    """A way to go on: the sum it comes to, its beam's place in the group, and the token with its log-probability."""

    total: float
    row: int
    id: int
    logprob: float


@dataclass
class Group:
    """Beams that compete with each other."""

    width: int
    running: list[Path]
    pool: Pool
    done: bool = False

    @property
    def begun(self) -> list[Path]:
        """The beams that stand for something."""
        return [path for path in self.running if path.total > NOTHING / 2]

    @classmethod
    def of(cls, width: int, path: Path) -> Group:
        """Beams that all stand at the same place."""
        others = [replace(path, total=NOTHING)] * (width - 1)
        return cls(width, [path, *others], Pool(width))


Chooser = Callable[[torch.Tensor, Group], list[Candidate]]
Keeper = Callable[[torch.Tensor, Group, list[tuple[int, Path]]], list[tuple[int, Path]]]


@dataclass
class Search:
    """One search under way.

    `candidates` ranks the ways to go on of one group, from the processed log-probabilities (beams, vocabulary).
    `keep`, where given, may exchange what was chosen to go on, as (row, path). `loose` judges the
    end by the best candidate's sum, finished ones included, as searches in groups and with forced words do.
    """

    run: Run
    groups: list[Group]
    candidates: Chooser
    keep: Keeper | None = None
    loose: bool = False
    settled: Node | None = None
    _fallen: list[Beam] = field(default_factory=list)
    _scores: list[torch.Tensor] = field(default_factory=list)

    def events(self) -> Iterator[Event]:
        """The search from the prompt to its end."""
        run = self.run
        rows: list[int] = []
        chosen: list[int] = []
        for index in count():
            yield from run.begin_step(index)
            if run.stopped or index >= run.room():
                break
            if not chosen:
                logits, reused = run.prefill(sum(group.width for group in self.groups))
                yield Prefilled(run.runner.seen, reused, run.prefill_s, run.runner.cache_shape())
            else:
                with run.timed():
                    run.runner.fork(rows)
                    logits = run.runner.step(torch.tensor(chosen, device=run.model.device))
            yield from run.forgotten(index, run.sequences)
            with run.timed():
                rows, chosen = self._step(logits, index)
            if run.gives_tensors:
                yield from run.tensors(index, torch.cat(self._scores), logits, [])
            with run.timed():
                told = list(self._settle())
            yield from told
            yield self._beams(index)
            if not chosen:
                break
        yield from self._finish()

    def _step(self, logits: torch.Tensor, index: int) -> tuple[list[int], list[int]]:
        """One step of all groups: the rows to go on from, and the token that each gets."""
        run, start = self.run, 0
        logprobs = torch.log_softmax(logits, dim=-1)
        rows: list[int] = []
        chosen: list[int] = []
        self._fallen, self._scores = [], []
        run.sampler.context.spoken.clear()
        for group in self.groups:
            if group.done:
                run.sampler.context.spoken.extend(self._filling() * group.width)
                continue
            width = len(group.running)
            part = slice(start, start + width)
            scores = run.sampler.process(run.runner.ids[part], logprobs[part])
            self._scores.append(scores)
            others = run.alternatives(scores, logits[part])
            kept = self._advance(group, scores, others, index)
            group.running = [path for _, path in kept]
            if not group.done:
                rows += [start + row for row, _ in kept]
                chosen += [path.node.id for path in group.running if path.node]
            start += width
        return rows, chosen

    def _advance(
        self, group: Group, scores: torch.Tensor, others: list[tuple[Alternative, ...]], index: int
    ) -> list[tuple[int, Path]]:
        """Move one group on: finished paths go to its pool, the rest are what it goes on with, as (row, path)."""
        settings, found = self.run.settings, self.candidates(scores, group)
        going: list[tuple[int, Path]] = []
        for rank, candidate in enumerate(found):
            if candidate.total == -math.inf and self.run.sampler.is_strict:
                continue  # outside the form, no word that may come, or beside what is said again
            path = _longer(group.running[candidate.row], candidate, others[candidate.row])
            reason = self._reason(path)
            if reason is None:
                going.append((candidate.row, path))
            elif rank < group.width and path.complete:  # with a forced word still to come it goes no further
                group.pool.add(replace(path, reason=reason), settings)
        limit = self.run.limit(index)
        if limit is None or self.keep is not None:  # at the last step candidates count in the order they have
            going.sort(key=lambda one: one[1].total, reverse=True)
        going = going[: group.width]
        if self.keep is not None:
            going = self.keep(scores, group, going)
        self.run.sampler.context.spoken.extend(path.node.id for _, path in going if path.node)
        followed = {row for row, _ in going} | {c.row for c in found[: group.width]}
        fallen = [path for row, path in enumerate(group.running) if row not in followed and path.node]
        self._fallen += [self._beam(path, self.groups.index(group)) for path in fallen]
        best = max(going[0][1].total if going else NOTHING, found[0].total if self.loose else NOTHING)
        over = group.pool.is_final(best, index + 1, self.run.room(), settings)
        if limit is not None and not (over and self.loose):
            whole = [path for _, path in going if path.complete]
            # As the library has it: where too few have all forced words, the likeliest are taken, with or without.
            taken = whole if len(whole) >= settings.num_return_sequences else [path for _, path in going]
            for path in taken:
                group.pool.add(replace(path, reason=limit), settings)
        group.done = over or limit is not None or not going
        return [] if limit is not None else going

    def _filling(self) -> tuple[int, ...]:
        """What a group that is done says on and on, as in the library: the others are kept from saying just that."""
        pad = self.run.model.model.generation_config.pad_token_id
        return self.run.end_ids[:1] if pad is None else (pad,)

    def _reason(self, path: Path) -> FinishReason | None:
        """Why a path is at its end, by its own last token."""
        assert path.node is not None
        if path.node.id in self.run.end_ids:
            return "eos"
        if (self.run.sampler.keeps_form or self.run.stopping) and self.run.is_over(
            [node.id for node in since(path.node, None)]
        ):
            return "stop"
        return "stop" if self._says_stop(path.node) else None

    def _says_stop(self, node: Node) -> bool:
        """Whether the path's text now ends in a stop text, read backwards from its last token as far as needed."""
        stops = [stop for stop in (self.run.settings.stop_token, *self.run.settings.stop_strings) if stop]
        if not stops:
            return False
        last = self.run.model.piece(node.id)
        text, at = last, node.before
        while at is not None and len(text) < len(last) + max(map(len, stops)):
            text = self.run.model.piece(at.id) + text
            at = at.before
        if at is None:
            text = text[self.run.surplus :]  # of which the prompt has it already
        return any(text.find(stop, max(0, len(text) - len(last) - len(stop) + 1)) >= 0 for stop in stops)

    def _settle(self) -> Iterator[Event]:
        """Tell the tokens that every beam in play has in common."""
        tips = [path.node for group in self.groups for path in group.pool.paths]
        tips += [path.node for group in self.groups if not group.done for path in group.running]
        if not tips:  # a form left no beam any way on
            return
        common = meeting(tips)
        for node in since(common, self.settled):
            for growing in self.run.sequences:
                yield self.run.tell(growing, node.id, node.logprob, node.alternatives)
        self.settled = common

    def _beams(self, index: int) -> Beams:
        """How the beams stand after the new token `index`, best first."""
        numbered = list(enumerate(self.groups))
        running = [(path, number) for number, group in numbered if not group.done for path in group.begun]
        finished = [(path, number) for number, group in numbered for path in group.pool.paths]
        return Beams(
            index,
            self.settled.depth if self.settled else 0,
            self._ranked(running),
            self._ranked(finished),
            tuple(self._fallen),
        )

    def _ranked(self, paths: list[tuple[Path, int]]) -> tuple[Beam, ...]:
        beams = [self._beam(path, group) for path, group in paths]
        return tuple(sorted(beams, key=lambda beam: beam.score, reverse=True))

    def _beam(self, path: Path, group: int) -> Beam:
        ids = tuple(node.id for node in since(path.node, self.settled))
        text = "".join(map(self.run.model.piece, ids))[self.run.sequences[0].surplus :]
        return Beam(ids, text, path.score(self.run.settings.length_penalty), group, path.reason)

    def _finish(self) -> Iterator[Event]:
        """Tell the best paths to their ends, finished ones before those that were interrupted."""
        run, penalty = self.run, self.run.settings.length_penalty
        limit: FinishReason | None = None if run.stopped else "length"
        paths = [path for group in self.groups for path in group.pool.paths]
        paths += [replace(p, reason=limit) for group in self.groups if not group.done for p in group.begun]
        paths.sort(key=lambda path: (path.reason is not None, path.score(penalty)), reverse=True)
        for growing, path in zip(run.sequences, paths, strict=False):
            for node in since(path.node, self.settled):
                reason = path.reason if node is path.node else None
                yield run.tell(growing, node.id, node.logprob, node.alternatives, reason)
            growing.score = path.score(penalty)
            growing.reason = growing.reason or path.reason
            if not path.complete:
                yield Noted(_missing(growing.number))


def _longer(path: Path, candidate: Candidate, alternatives: tuple[Alternative, ...]) -> Path:
    node = Node(path.node, candidate.id, candidate.logprob, alternatives, path.length + 1)
    progress = path.progress.after(candidate.id) if path.progress else None
    return Path(node, candidate.total, None, progress)


def _missing(number: int) -> Note:
    text = f"Sequence {number + 1} lacks a forced word: likelier texts without it won. Give more beams or more length."
    return Note("warning", "forced-word-missing", text)
