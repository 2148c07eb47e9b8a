"""Random lives of a session: the real session and its worker, with hands on them in another thread and no screen.

What a hand does, and the line that it leaves in the record, are those of `tui.commands`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from engine.comparison import Variant
from engine.errors import SettingError
from engine.events import Failed, Finished, Paused, Token
from engine.session.transcript import Transcript
from engine.settings import Settings
from engine.settings.names import BEAMS
from tui.asking import Asked, AskJob
from tui.comparing import Compared, CompareJob
from tui.comparison import Comparison
from tui.jobs import EffectJob, LoadFailed, ModelFacts, Output, RecordJob, RecordTo, RunEvent, RunJob
from tui.labels import fields
from tui.looking import look
from tui.pieces import merged
from tui.session import Session
from tui.worker import Worker
from tui.writing import Writing, Written

PATIENCE_S = 60.0
PROMPTS = ("the old", "the river café", "the", "of the children")
TYPED = (" and", "é", " naïve\n", "the other river", "\N{SNOWMAN}", " \t", "")
STRATEGIES: tuple[dict[str, Any], ...] = (
    {"strategy": "greedy"},
    *({"strategy": "sample", "top_p": 1.0, "top_k": top_k} for top_k in (0, 5, 40)),
    {"strategy": "sample", "top_p": 1.0, "guidance_scale": 1.5, "negative_prompt": "river"},
    {"strategy": "sample", "top_p": 1.0, "stop_strings": ("e",)},
    {"strategy": "beam", "num_beams": 3},
    {"strategy": "beam-sample", "num_beams": 3, "top_p": 1.0},
    {"strategy": "diverse-beam", "num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.5},
    {"strategy": "contrastive", "top_k": 4, "penalty_alpha": 0.6},
    {"strategy": "dola", "dola_layers": "low", "top_p": 1.0},
    {"strategy": "assisted", "prompt_lookup_num_tokens": 3},
)


def standing(writing: Writing) -> dict[str, Any]:
    """What `SessionApp.standing` puts into a line."""
    return {"prompt": writing.prompt, "texts": [written.text for written in writing.sequences]}


def state(session: Session) -> dict[str, Any]:
    """All that a record is to bring back."""
    roads = session.roads
    branches = [branch for place in roads.branches.places for branch in roads.branches.of(place)]
    return {
        "prompt": session.writing.prompt,
        "sequences": [_sequence(written) for written in session.sequences],
        "start": _start(session.writing),
        "timeline": session.timeline.steps,
        "branches": [(*branch.mark, branch.parted, roads.name(branch), roads.is_hidden(branch)) for branch in branches],
    }


def _sequence(written: Written) -> tuple[Any, ...]:
    steps = [(step.token, step.start, step.drawn, step.origin.ids, step.origin.drawn) for step in written.steps]
    kinds = list(merged(piece for piece in written.pieces if piece.kind != "mark"))
    return written.text, kinds, written.ids, written.seed, written.drawn, written.tokens, written.halved, steps


def _start(writing: Writing) -> tuple[Any, ...] | None:
    start = writing.start
    return start and (start.sequence, start.seed, start.drawn, standing(start.writing))


@dataclass
class Hands:
    """A session, its worker, and what the session came to after each thing that was done (`came_to`)."""

    worker: Worker
    session: Session
    random: Random

    def __post_init__(self) -> None:
        self.came_to: list[dict[str, Any]] = []
        self.tokens = self.holds = 0
        self.ended: Finished | Failed | None = None

    # The worker's side

    def until(self, there: Callable[[], bool], hear: Callable[[Output], None] = lambda item: None) -> None:
        """Take over what comes until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not there():
            assert time.monotonic() < end
            if not self.worker.outbox:
                time.sleep(0.0002)
                continue
            item = self.worker.outbox.popleft()
            assert not isinstance(item, LoadFailed)
            hear(item)
            if isinstance(item, ModelFacts):
                self.session.facts = item
            elif isinstance(item, RunEvent) and item.run == self.session.run:
                self.tokens += isinstance(item.event, Token)
                self.holds += isinstance(item.event, Paused)
                self.session.hear(item.event)
                if isinstance(item.event, Finished | Failed):
                    self.ended = item.event

    def another(self, path: Path, session: Session, random: Random) -> Hands:
        """Hands on another session, recorded there, with the same worker."""
        self.worker.put(RecordTo(Transcript(path)))
        session.run += self.session.run  # no event of an earlier run is one of this
        session.facts = self.session.facts
        return Hands(self.worker, session, random)

    def caught_up(self) -> None:
        """Wait until the worker has done all that it was asked for."""
        answers: list[Asked] = []
        self.worker.put(AskJob(lambda model, report: None, answers.append))
        self.until(lambda: bool(answers), lambda item: answers.append(item) if isinstance(item, Asked) else None)

    def write(self, event: str, **more: Any) -> None:
        """A line between the runs, and what stands after it."""
        self.worker.put(RecordJob(event, more))
        self.came_to.append(state(self.session))

    def run(self, job: RunJob, held: bool = False, undisturbed: bool = False) -> None:
        """A run with hands on it: they come upon it held, or as it happens to be, until it ends."""
        controls, self.ended = job.controls, None
        held = held or (not undisturbed and self.random.random() < 0.5)
        if held:
            controls.step()
        self.worker.put(job)
        while self.session.running:
            tokens, holds = self.tokens + self.random.randint(0, 9), self.holds
            self._until_due(tokens, holds if held else None, undisturbed)
            with suppress(SettingError):  # a hand on the panel is told so, and the run goes on as it did
                self._change()
            held = self.session.running and self._meddle(held)
            self.worker.wake()
        assert isinstance(self.ended, Finished), self.ended
        self.came_to.append(state(self.session))

    def _until_due(self, tokens: int, holds: int | None, undisturbed: bool) -> None:
        """Wait for the next hold after so many, for so many tokens, or for the end of the run."""

        def due() -> bool:
            return self.tokens >= tokens if holds is None else self.holds > holds

        self.until(lambda: not self.session.running or (not undisturbed and due()))

    def _change(self) -> None:
        """Now and then a setting, which the next token obeys."""
        session, random = self.session, self.random
        match random.randrange(8):
            case 0 | 1:
                session.change("temperature", random.choice((0.5, 0.9, 1.7)))
            case 2:
                session.change_together({"top_k": random.choice((2, 3, 30)), "repetition_penalty": 1.2})
            case 3 if session.settings.strategy in ("greedy", "sample"):
                session.change("strategy", random.choice(("greedy", "sample")))
            case 4:
                session.change("max_new_tokens", random.choice((2, 6, 20)))

    def _meddle(self, held: bool) -> bool:
        """Do something to the run under way; whether it is held again after its next token."""
        session, random = self.session, self.random
        controls = session.controls
        assert controls is not None
        match random.randrange(8):
            case 0:
                controls.stop()
                return False
            case 1 if held and session.settings.strategy not in BEAMS:
                controls.pick(random.randrange(session.facts.vocabulary_size if session.facts else 1))
            case 2 if (asked := look(session, 0, None, "", 1)) is not None:
                self.worker.look(asked.job)
            case 3:
                controls.measuring = True
        if random.random() < (0.6 if held else 0.2):
            controls.step()
            return True
        controls.resume()
        return False

    # Between the runs

    def live(self, things: int) -> None:
        """Do so many things, one after the other; where there is no text any more, a run comes first."""
        self.run(self.session.begin(self.random.choice(PROMPTS)))
        for _ in range(things):
            if not self.session.sequences:
                self.random.choice((self.new, self.redo))()
                continue
            self.random.choice(
                (
                    *(self.new, self.on, self.on, self.anew, self.edit, self.retype, self.rewind, self.swap, self.pick),
                    *(self.keep, self.take, self.take, self.label, self.undo, self.undo, self.redo, self.compare),
                )
            )()

    def new(self) -> None:
        """A run from a prompt under other settings, now and then with its first token picked."""
        values = self.random.choice(STRATEGIES)
        several = self.random.choice((1, 2, 3)) if values["strategy"] in ("sample", "beam", "dola") else 1
        self.session.settings = Settings(
            seed=self.random.randrange(100),
            max_new_tokens=self.random.randint(3, 14),
            num_return_sequences=several,
            **values,
        )
        job = self.session.begin(self.random.choice(PROMPTS))
        if self.random.random() < 0.2 and values["strategy"] not in BEAMS:
            job.controls.pick(self.random.randrange(200))
            return self.run(job, held=True)
        return self.run(job)

    def on(self) -> None:
        """On from where a sequence stopped, now and then under a setting that was changed before."""
        if self.random.random() < 0.4:
            self.session.change("temperature", self.random.choice((0.6, 1.0, 1.4)))
            self.worker.put(EffectJob("the", self.session.settings, "temperature"))
        self.run(self.session.go_on(self._sequence()))

    def anew(self) -> None:
        """The last run again, with its seed or another."""
        if self.session.can_regenerate():
            self.run(self.session.regenerate(self.random.choice((None, 7, 8))))

    def edit(self) -> None:
        """A person's text anywhere in a sequence."""
        sequence = self._sequence()
        text = self.session.sequences[sequence].text
        start, end = sorted(self.random.randint(0, len(text)) for _ in range(2))
        text = text[:start] + self.random.choice(TYPED) + text[min(end, start + 3) :]
        if self.session.edit(sequence, text):
            self.write("edit", sequence=sequence, text=text)

    def retype(self) -> None:
        """A person's text in the place of a token."""
        sequence, number = self._step()
        if number is not None:
            self.session.retype(sequence, number, self.random.choice(TYPED[:4]))
            self.write("edit", sequence=sequence, text=self.session.sequences[sequence].text, at=number)

    def rewind(self) -> None:
        """Back to before a token."""
        sequence, at = self._step()
        if at is not None:
            self.session.rewind(sequence, at)
            self.write("rewind", sequence=sequence, at=at, **standing(self.session.writing))

    def swap(self) -> None:
        """Another token in the place of one."""
        sequence, number = self._step()
        if number is not None and self.session.settings.strategy not in BEAMS:
            self.run(self.session.swap(sequence, number, self.random.randrange(299)))

    def pick(self) -> None:
        """The next token by hand, and held after it."""
        if self.session.settings.strategy not in BEAMS:
            self.run(self.session.pick(self._sequence(), self.random.randrange(299)), held=True)

    def keep(self) -> None:
        """One sequence alone."""
        if len(self.session.sequences) > 1:
            sequence = self._sequence()
            self.session.keep(sequence)
            self.write("keep", sequence=sequence, **standing(self.session.writing))

    def take(self) -> None:
        """Another branch."""
        branch = self._branch()
        if self.session.take(branch):
            self.write("branch", **fields("taken", branch.mark), texts=standing(self.session.writing)["texts"])

    def label(self) -> None:
        """Name a branch, put it out of sight, or take such a thing back."""
        roads, branch = self.session.roads, self._branch()
        match self.random.randrange(4):
            case 0:
                lines = roads.rename(branch, self.random.choice(("one", "two", "")))
            case 1:
                present = self.session.branch(branch.place.sequence)
                lines = [] if branch is present else roads.prune(branch, present, hide=not roads.is_hidden(branch))
            case 2:
                lines = roads.undo() or []
            case _:
                lines = roads.redo() or []
        for line in lines:
            self.worker.put(RecordJob("branch", line))
        # Only with the last of several lines all is so.
        self.came_to += [{}] * (len(lines) - 1) + [state(self.session)] * bool(lines)

    def undo(self) -> None:
        """A step back."""
        if self.session.undo():
            self.write("undo", **standing(self.session.writing))

    def redo(self) -> None:
        """A step forward."""
        if self.session.redo():
            self.write("redo", **standing(self.session.writing))

    def compare(self) -> None:
        """Runs beside the text, one of which may be taken over."""
        settings = self.session.settings.changed(num_return_sequences=1, max_new_tokens=5)
        variants = [Variant("now", settings), Variant("warm", settings.changed(temperature=1.3))]
        comparison = Comparison(variants, self.random.choice(PROMPTS))
        told: list[Compared] = []
        job = CompareJob([side.job for side in comparison.sides], [None, None], "cpu", "auto", told.append)
        self.worker.put(job)
        self.until(
            lambda: bool(told) and told[-1].event is None,
            lambda item: told.append(item) if isinstance(item, Compared) else None,
        )
        for item in told[:-1]:
            comparison.hear(item.place, item.event)  # type: ignore[arg-type]
        place = self.random.randrange(2)
        writing, variant = comparison.taken(place), variants[place]
        assert writing is not None, comparison.sides[place].error
        if self.random.random() < 0.6:
            self.session.take_over(writing, variant.settings)
            said = {"name": variant.name, "settings": variant.settings.to_dict()}
            self.write("take", **standing(self.session.writing), **said)

    def _sequence(self) -> int:
        return self.random.randrange(len(self.session.sequences))

    def _step(self) -> tuple[int, int | None]:
        sequence = self._sequence()
        steps = self.session.steps(sequence)
        return sequence, self.random.randrange(len(steps)) if steps else None

    def _branch(self) -> Any:
        branches = self.session.roads.branches
        return self.random.choice([branch for place in branches.places for branch in branches.of(place)])
