"""Transcripts: the library of them, going on from one, and where this session is recorded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.worker import get_current_worker

from engine.errors import EngineError, FileError, one_line, shown
from engine.session.holding import is_held
from engine.session.places import Copied, fresh_path
from engine.session.same_model import name_of, same_weights
from engine.session.transcript import Transcript
from engine.text_files import path_of, shown_path
from tui.commands.models import ModelCommands
from tui.jobs import ModelFacts, RecordTo
from tui.restoring import Restoring, restored, without_ids
from tui.screens.transcripts import Choice
from tui.session import Session
from tui.verifying import VerifyJob
from tui.widgets.counts import plural


class LibraryCommands(ModelCommands):
    """A session of before, in the place of this one; what is left is in a transcript of its own already."""

    written_by: Mapping[str, Any] | None = None
    """The model whose ids the session's texts have; None while there are none."""
    recorded_model: str = ""
    """What the record that was opened names as its model, where that is another one than is loaded."""

    def action_library(self) -> None:
        """The transcripts."""
        from tui.screens.transcripts import TranscriptsScreen

        screen = TranscriptsScreen(self.library, own=self.record_path, renamed=self._renamed)
        self.push_screen(screen, self._chosen)

    def _chosen(self, choice: Choice | None) -> None:
        self.show_offer()  # it may have been renamed or deleted
        if choice is not None:
            self.take_choice(choice)

    def take_choice(self, choice: Choice) -> None:
        """Open a transcript, or play it."""
        if choice.what == "open":
            self.open_record(choice.path)
        else:
            self.play_record(choice.path, choice.speed)

    def play_record(self, path: Path, speed: float = 1.0) -> None:
        """Play a transcript: see `ReplayCommands`."""
        raise NotImplementedError

    def _renamed(self, old: Path, new: Path) -> None:
        if old == self.record_path:
            self.record_path = self.worker.transcript.path = new  # the file stays open

    def show_offer(self) -> None:
        """What is offered may be another now: see `RecoveryCommands`."""
        raise NotImplementedError

    # Going on from one

    def open_record(self, path: Path) -> None:
        """Read a transcript, and go on from where it ended."""
        self.once_ended(lambda: self._open(path))

    def _open(self, path: Path) -> None:
        settings = self.session.settings

        def read() -> None:
            try:
                found = restored(path, settings)
            except Exception as error:  # it is a file, and may hold anything
                if not get_current_worker().is_cancelled:
                    self.call_from_thread(self.note, "error", "open", one_line(error))
                return
            if not get_current_worker().is_cancelled:
                self.call_from_thread(self.once_ended, lambda: self._opened(path, found))

        self.hint(f"Opening {shown_path(path)}")
        self.run_worker(read, thread=True, exclusive=True, exit_on_error=False, group="open")

    def _opened(self, path: Path, found: Restoring) -> None:
        self.notes.clear()
        self.take_session(found.session)
        self.prompt.put(found.session.writing.prompt)
        self.go_on_from(found, path)
        self.show_offer()
        runs = plural(found.runs, "run")
        self.hint(f"{shown(path.stem)}: {runs}. {self.actions.key('continue')} goes on.")

    def take_session(self, session: Session) -> None:
        """Another session in the place of this one."""
        self.take_edit()
        session.run += self.session.run  # no event of an earlier run is one of this
        session.facts = self.session.facts
        self.session = session
        self.main.take_session(session)
        self.settings_panel.show(session.settings)
        self.main.strategy_pane.clear()
        self.main.show_writing()
        self.main.columns.turn(0)

    def go_on_from(self, found: Restoring, path: Path, end: int | None = None) -> None:
        """What was found in a transcript, or in its first `end` bytes, is the session now: say what is to be said, and
        record on in the same file, or in a copy of it.
        """
        self.written_by = found.model
        for trouble in found.told():
            self.note("warning", "open", trouble)
        if self.session.facts is not None:
            self.meet(self.session.facts)
        if not self.recording or (end is None and path == self.record_path):
            return
        if end is None and self._is_to_go_on(path):
            transcript = Transcript(path)
        else:
            transcript = Copied(fresh_path(self.library.folder), path, end)
        self.record_path = transcript.path
        self.worker.put(RecordTo(transcript))

    def _is_to_go_on(self, path: Path) -> bool:
        """Whether the record goes on in the file itself: in the library's own, unless another session writes to it."""
        return self.library.owns(path) and os.access(path, os.W_OK) and not is_held(path)

    # Which model

    def meet(self, facts: ModelFacts) -> None:
        """A model is there: where what is written is another's, it will read that as text."""
        before, self.written_by = self.written_by, facts.identity
        if before is None or same_weights(before, facts.identity):
            self.recorded_model = ""
            return
        self.recorded_model = name_of(before)
        without_ids(self.session)
        same_name = self.recorded_model == name_of(facts.identity)
        what = "with other weights of this name" if same_name else f"by {self.recorded_model or 'another model'}"
        load = self.actions["load_recorded"].label
        way = f" {load}: {self.actions.key('load_recorded')}." if self.recorded_model and not same_name else ""
        self.note(
            "info", "another-model", f"This was written {what}; {facts.name} goes on from the text, read anew.{way}"
        )

    def action_load_recorded(self) -> None:
        """Load the model that the record names, since a person asks for it."""
        name = self.recorded_model
        if not name:
            self.hint("The model that is loaded is the one of the record.")
            return
        self.switch_model(name)

    def action_verify(self) -> None:
        """Run this session's record again, and say whether it comes out the same."""
        if self.session.running or not self.record_path.is_file():
            self.hint("There is no record yet that could be run again." if not self.session.running else "A run is on.")
            return
        self.hint("The record is run again.")
        self.worker.put(VerifyJob(self.record_path))

    # Where it is recorded

    def action_save_record(self) -> None:
        """Ask for another place, and record there: what was, and what comes."""
        from tui.screens.ask import Ask

        if not self.recording:
            self.hint("This session is not recorded: record = false, or --no_record.")
            return
        self.push_screen(Ask("Save the record elsewhere", str(Path.home() / self.record_path.name)), self._save_record)

    def _save_record(self, given: str | None) -> None:
        if given is None:
            return
        try:
            path = path_of(given)
            if os.path.lexists(path):
                raise FileError(f"{shown_path(path)}: is there already; take another name")
        except EngineError as error:
            self.note("error", "record", str(error))
            return
        transcript = self.worker.transcript

        def save() -> None:
            try:
                transcript.save_as(path)
            except EngineError as error:
                self.call_from_thread(self.note, "error", "record", str(error))
            else:
                self.call_from_thread(self._saved_record, path)

        self.run_worker(save, thread=True, exit_on_error=False, group="record")

    def _saved_record(self, path: Path) -> None:
        self.record_path = path
        self.note("info", "record", f"The record is in {shown_path(path)} from its beginning, and goes on there.")

    @property
    def way_on_unrecorded(self) -> str:
        """What can be done where the record cannot be written."""
        return f"The session goes on in memory; {self.actions['save_record'].label}: {self.actions.key('save_record')}."
