"""The session as the screen knows it: over its runs, what a person does to the text, and the roads between texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.settings import Settings
from tui.branches import Branch, Place
from tui.editing import edited
from tui.jobs import RunJob
from tui.pieces import Piece, alike, merged
from tui.running import Running
from tui.sight import NOTHING
from tui.writing import Start, Writing


class Session(Running):
    """Every edit, every other road and every way back is one step of the timeline."""

    # By hand, and back

    def edit(self, sequence: int, text: str) -> bool:
        """What follows the prompt in a sequence is to be this text; False where it is already."""
        written = self.sequences[sequence]
        if text == written.text:
            return False
        halved = written.halved and text[-1:] == written.text[-1:]
        kept = alike(written.text, text)
        new = replace(
            written,
            pieces=edited(written.pieces, text),
            ids=(),
            halved=halved,
            ending="edited",
            hidden=NOTHING,
            score=None,
            steps=tuple(step for step in written.steps if step.end <= kept),
        )
        self._leave_for(self.writing.with_sequence(sequence, new), self.writing)
        return True

    # Another road

    def rewind(self, sequence: int, number: int) -> None:
        """Take the text back to before one of its steps; going on from there draws what was drawn there."""
        self._leave_for(self.writing.before_step(sequence, number), self.writing)

    def swap(self, sequence: int, number: int, token_id: int) -> RunJob:
        """Another token in the place of a step, and on from there, on the same random stream."""
        return self._pick(self.writing.before_step(sequence, number), sequence, token_id, number)

    def pick(self, sequence: int, token_id: int) -> RunJob:
        """Go on from where a sequence stopped, with this token."""
        return self._pick(replace(self.writing, start=None), sequence, token_id, len(self.steps(sequence)))

    def _pick(self, writing: Writing, sequence: int, token_id: int, number: int) -> RunJob:
        written = writing.sequences[sequence]
        job = self._go_on(Start(replace(writing, start=None), sequence, written.seed, written.drawn))
        job.controls.pick(token_id)
        return replace(job, how="picked", at=number)

    def retype(self, sequence: int, number: int, text: str) -> None:
        """Put a person's text in the place of a step and of all that follows it."""
        there = self.writing.before_step(sequence, number)
        before = there.sequences[sequence]
        pieces = tuple(merged([*before.pieces, Piece("human", text)]))
        typed = replace(before, pieces=pieces, ids=(), ending="edited")
        self._leave_for(there.with_sequence(sequence, typed), self.writing)

    def branch(self, sequence: int) -> Branch | None:
        """The branch on which a sequence ends, as the run under way found it."""
        if sequence >= len(self.sequences):
            return None
        return self.roads.branches.at(Place(self.writing.prompt, sequence), self.sequences[sequence].text)

    def take(self, branch: Branch) -> bool:
        """Go to a branch, as a step that can be undone; False where its text is what is written already."""
        left = self.writing
        writing = left.taking(branch.state, branch.place.sequence)
        if writing == left:
            return False
        self._leave_for(writing, left)
        self._follow(left)
        return True

    def keep(self, sequence: int) -> None:
        """Put the other sequences away: undo brings them back."""
        start = self.writing.start
        alone = replace(self.writing, sequences=(self.sequences[sequence],), start=None)
        if start is not None and start.sequence is not None:  # else the last run is done anew from its prompt
            before = start.writing.sequences[sequence]
            begun = replace(start.writing, sequences=(before,))
            start = replace(start, writing=begun, sequence=0) if start.sequence == sequence else None
        self._leave_for(replace(alone, start=start), self.writing)

    def take_over(self, writing: Writing, settings: Settings) -> None:
        """This is the text now, and what a run beside it was under are the settings; undo brings the old text back."""
        self._leave_for(writing, self.writing)
        self.settings = settings.changed(num_return_sequences=self.settings.num_return_sequences)

    def undo(self) -> bool:
        """Back to what was written a step ago; False where there is no such step."""
        return self._move(self.timeline.undo)

    def redo(self) -> bool:
        """Forward again; False where nothing was undone."""
        return self._move(self.timeline.redo)

    def _move(self, move: Callable[[Writing], Writing | None]) -> bool:
        left, there = self.writing, move(self.writing)
        if there is None:
            return False
        self.writing = there
        self._follow(left)
        return True

    def _follow(self, left: Writing) -> None:
        """The seed goes with its text, but not where another has been set since."""
        used = self.writing.used
        if left.used and used and left.used.seed == self.settings.seed:
            self.settings = self.settings.changed(seed=used.seed)
