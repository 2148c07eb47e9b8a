"""Sessions that were cut off: offered at the start, in a line that is in nobody's way."""

from __future__ import annotations

from textual.worker import get_current_worker

from engine.errors import TranscriptError
from engine.session.library import Entry
from engine.session.recovery import cut_off, decline
from tui.commands.library import LibraryCommands
from tui.widgets.banner import Banner
from tui.widgets.counts import plural
from tui.widgets.entry_list import told_time

_TITLE = 40


class RecoveryCommands(LibraryCommands):
    """The newest of them first; each can be taken, declined for good, or left for the next start."""

    offers: tuple[Entry, ...] = ()

    def look_for_cut_off(self, keep_days: float) -> None:
        """Find what was cut off, and thin the library meanwhile; in the background."""

        def look() -> None:
            found = cut_off(self.library, self.record_path)
            if found and not get_current_worker().is_cancelled:
                self.call_from_thread(self._offer, tuple(found))
            self.library.thin(keep_days, [self.record_path, *(entry.path for entry in found)])

        self.run_worker(look, thread=True, exit_on_error=False, group="recovery")

    def _offer(self, offers: tuple[Entry, ...]) -> None:
        self.offers = offers
        self.show_offer()

    def show_offer(self) -> None:
        """Say what is offered, or nothing any more; nothing while text comes."""
        self.offers = tuple(entry for entry in self.offers if self._is_to_offer(entry))
        if not self.offers or self.session.running:
            self.main.banner.hide()
            return
        entry = self.offers[0]
        title = entry.title if len(entry.title) <= _TITLE else entry.title[: _TITLE - 1] + "…"
        more = f"1 of {len(self.offers)}: " if len(self.offers) > 1 else ""
        keys = f"{self.actions.key('recover')} goes on, {self.actions.key('decline')} never asks again"
        what = f"{told_time(entry.time)}, {plural(entry.digest.tokens, 'token')}: {title}"
        self.main.banner.tell("Cut off", f"{more}{keys} · {what}")

    def _is_to_offer(self, entry: Entry) -> bool:
        return entry.path != self.record_path and entry.path.exists()

    def action_recover(self) -> None:
        """Go on from the newest session that was cut off."""
        if not self.offers:
            self.hint("No session was cut off.")
            return
        self.offers, entry = self.offers[1:], self.offers[0]
        self.show_offer()
        self.open_record(entry.path)

    def action_decline(self) -> None:
        """Never offer it again; the library still has it."""
        if not self.offers:
            self.hint("No session was cut off.")
            return
        self.offers, entry = self.offers[1:], self.offers[0]
        try:
            decline(entry.path)
        except TranscriptError as error:
            self.note("warning", "decline", str(error))
        self.show_offer()
        self.hint(f"It stays in the library: {self.actions.key('library')}.")

    def on_banner_pressed(self, event: Banner.Pressed) -> None:
        """A click takes the offer."""
        if self.offers:
            self.action_recover()
