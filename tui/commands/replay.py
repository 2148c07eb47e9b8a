"""Playing a record in the panes: at its own pace, faster, step by step, to its end; and going on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from textual.actions import ActionParseResult
from textual.dom import DOMNode
from textual.timer import Timer
from textual.worker import get_current_worker

from engine.errors import TranscriptError, one_line
from engine.events import Changed, Token
from engine.session.record import open_record
from engine.text_files import shown_path
from tui.commands.recovery import RecoveryCommands
from tui.commands.run import RunCommands
from tui.commands.text import TextCommands
from tui.replaying import Player
from tui.restoring import Moment
from tui.running import Addition

_FRAME_S = 1 / 30
_BUSY_S = 0.02
"""How long a frame may take over moments that are due: the rest of it is the keys'."""
_LINES = {"edit": "edited by hand", "undo": "a step taken back", "redo": "a step brought back", "pause": "held here"}
_TURNING = {"stop", "pause", "step", "continue", "replay_speed", "replay_end"}
_LOOKING = {"next_sequence", "copy_output", "save", "find", "notes", "settings", "help", "next_theme"}
WATCHING = _TURNING | _LOOKING | {"command_palette", "suspend", "quit"}
"""What can be done while a record is played: nothing that would change it."""


class ReplayCommands(RecoveryCommands, RunCommands, TextCommands):
    """While `player` is there, the keys that hold, step and end a run do so with the replay."""

    player: Player | None = None
    _playing: Timer | None = None
    _played: Path | None = None
    _last_frame = 0.0

    def play_record(self, path: Path, speed: float = 1.0) -> None:
        """Read a transcript and play it; no model is needed."""

        def read() -> None:
            try:
                record = open_record(path)
                if not record.runs:
                    raise TranscriptError(f"{shown_path(path)}: there is no run in this transcript")
                player = Player(record, self.session.settings, speed)
            except Exception as error:  # it is a file, and may hold anything
                if not get_current_worker().is_cancelled:
                    self.call_from_thread(self.note, "error", "replay", one_line(error))
                return
            if not get_current_worker().is_cancelled:
                self.call_from_thread(self.once_ended, lambda: self._play(path, player))

        self.run_worker(read, thread=True, exclusive=True, exit_on_error=False, group="open")

    def _play(self, path: Path, player: Player) -> None:
        self._end_replay()
        self.notes.clear()
        self.player, self._played = player, path
        self.main.replaying = True
        self.take_session(player.session)
        self.output.focus()
        self._last_frame = time.monotonic()
        self._playing = self.set_interval(_FRAME_S, self._frame)
        self._tell()

    def _frame(self) -> None:
        player, now = self.player, time.monotonic()
        if player is None:
            return
        passed, self._last_frame = now - self._last_frame, now
        try:
            self._show(player.due(passed))
        except TranscriptError as error:
            self.note("error", "replay", str(error))
            player.ended = True
        self._tell()
        if player.ended:
            self._finish("The replay has come to its end")

    def _show(self, moments: Iterable[Moment]) -> None:
        """Show moments as the session showed them: text once a frame, and no more of it than a frame has time for."""
        player = self.player
        assert player is not None
        end = time.monotonic() + _BUSY_S
        text: list[Addition] = []
        for moment in moments:
            additions = player.restoring.take(moment)
            if moment.event is not None and isinstance(moment.event, Token | Changed):
                text += additions
                if isinstance(moment.event, Changed):
                    self.settings_panel.show(self.session.settings)
            else:
                if text:
                    self.main.show_text(text)
                    text = []
                self._show_moment(moment)
            if time.monotonic() > end:
                break
        if text:
            self.main.show_text(text)
        if self.session.running:
            self.status.update(**self.session.places)
            self.main.show_counts()

    def _show_moment(self, moment: Moment) -> None:
        if moment.run is not None:
            if moment.run.sequence is None:
                self.notes.clear()
                self.prompt.put(moment.run.prompt)
            self.settings_panel.show(self.session.settings)
            self.main.show_start()
            self.status.update(stage="prefill", detail="")
        elif moment.event is not None:
            self.main.show_event(moment.event)
        else:
            name = moment.line["event"]
            if name in ("edit", "undo", "redo"):
                self.main.show_writing()
                self.settings_panel.show(self.session.settings)
            if name in _LINES:
                self.hint(_LINES[name])

    def _tell(self) -> None:
        player, key = self.player, self.actions.key
        if player is None:
            return
        speed = "to the end" if player.speed == float("inf") else f"{player.speed:g}×"
        state = "held" if player.held else speed
        keys = (
            f"{key('pause')} {'plays' if player.held else 'holds'}",
            f"{key('step')} steps",
            f"{key('stop')} stops",
            f"{key('replay_slower')} {key('replay_faster')} speed",
            f"{key('replay_end')} end",
        )
        rest = " · ".join((f"{100 * player.share:.0f}%", *keys))
        self.main.banner.tell(f"▶ Replay, {state}", rest, replay=True)
        if self.session.running and self.status.reading.stage != "prefill":
            self.status.update(stage="paused" if player.held else "decoding")

    # Its end

    def _finish(self, what: str) -> None:
        """It is over: the session is what has been played, and can be gone on with."""
        player, path = self.player, self._played
        if player is None or path is None:
            return
        end = None if player.ended else player.end
        last = player.restoring.finish()
        self._end_replay()
        if last is not None:
            self.main.show_event(last)
        self.output.streaming = self.settings_panel.running = False
        self.main.show_writing()
        self.settings_panel.show(self.session.settings)
        self.go_on_from(player.restoring, path, end)
        self.offers = tuple(entry for entry in self.offers if entry.path != path)
        self.show_offer()
        self.status.update(stage="ready" if self.session.facts else "loading", detail="")
        self.hint(f"{what}: {self.actions.key('continue')} goes on from here.")

    def _end_replay(self) -> None:
        if self._playing is not None:
            self._playing.stop()
        self.player, self._playing, self._played = None, None, None
        self.main.replaying = False
        self.main.banner.hide()

    # Its keys

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """What would change what is played waits until that is over."""
        name = (action if isinstance(action, str) else action[1]).removeprefix("app.").partition("(")[0]
        if self.player is not None and name in self.of_the_panes - WATCHING:
            self.hint(f"This is a replay: {self.actions.key('stop')} stops it; then you can go on.")
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def change_settings(self, change: Callable[[], object]) -> None:
        """Settings are the record's while it is played."""
        if self.player is None:
            super().change_settings(change)
        else:
            self.settings_panel.show(self.session.settings)
            self.hint("This is a replay: the settings are those of the record.")

    def action_stop(self) -> None:
        """End the replay where it is, or the run."""
        if self.player is not None:
            self._finish("The replay was stopped")
        else:
            super().action_stop()

    def action_pause(self) -> None:
        """Hold the replay or let it go on, or the run."""
        if self.player is not None:
            self.player.held = not self.player.held
            self._tell()
        else:
            super().action_pause()

    def action_continue(self) -> None:
        """Let a held replay go on."""
        if self.player is not None:
            self.player.held = False
            self._tell()
        else:
            super().action_continue()

    def action_step(self) -> None:
        """One token more of the replay, or of the run."""
        if self.player is not None:
            self._show(self.player.step())
            self._tell()
            if self.player.ended:
                self._finish("The replay has come to its end")
        else:
            super().action_step()

    def action_replay_speed(self, by: int) -> None:
        """Faster or slower."""
        if self.player is not None:
            self.player.quicken(by)
            self._tell()
        else:
            self.hint("Nothing is being replayed.")

    def action_replay_end(self) -> None:
        """To its end at once."""
        if self.player is not None:
            self.player.to_end()
            self._tell()
        else:
            self.hint("Nothing is being replayed.")
