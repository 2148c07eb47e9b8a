"""Which model: another one in the place of the loaded one, downloads, the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.safe_text import safe_text
from engine.session.same_model import same_weights
from tui.commands.base import SessionApp
from tui.fetching import Fetching
from tui.jobs import LoadFailed, LoadJob, ModelFacts

_TOLD_EVERY_S = 0.25


class ModelCommands(SessionApp):
    """One model at a time is loaded, and one is fetched; neither is waited for."""

    loaded: LoadJob | None = None
    """What loads the model again that is there, or was last."""
    loading: LoadJob | None = None
    """What is being loaded in its place."""
    met: Mapping[str, Any] | None = None
    """What a transcript says of the model that is there, or was last."""
    fetching: Fetching | None = None
    """The download that is under way, or the last one where it failed or was called off."""

    def action_models(self) -> None:
        """The models: those of this machine, and the hub's."""
        from tui.screens.models import ModelsScreen, Wanted

        def choose(wanted: Wanted | None) -> None:
            if wanted is not None and wanted.adapter:
                self.toggle_adapter(wanted.name or "")
            elif wanted is not None:
                self.switch_model(wanted.name, device=wanted.device, dtype=wanted.dtype)

        self.push_screen(ModelsScreen(self), choose)

    def action_card(self) -> None:
        """The card of the loaded model: what it is for, its licence, its limits."""
        from tui.screens.card import CardScreen

        facts = self.session.facts
        if facts is None:
            self.hint("There is no model yet.")
        else:
            self.push_screen(CardScreen(facts.name, str(facts.identity["source"])))

    def toggle_adapter(self, name: str) -> None:
        """Put an adapter over the model, or take it off: a change of a setting like any other."""
        from engine.settings.adapters import parts, written

        named = dict(parts(self.session.settings.adapters))
        if named.pop(name, None) is None:
            named[name] = 1.0
        wanted = written(named.items())
        self.change_settings(lambda: self.session.change("adapters", wanted))
        self.hint(f"Adapters: {wanted or 'off'}.")

    # Loading

    def switch_model(self, name: str | None, *, device: str = "auto", dtype: str = "auto", adapters: str = "") -> None:
        """Load another model in the place of the one that is there; a run under way ends first."""
        job = LoadJob(name, device=device, dtype=dtype, adapters=adapters)
        if self.loading is not None:
            self._load(job)  # a run that waits for a model waits for this one
        else:
            self.once_ended(lambda: self._load(job))

    def begin_loading(self, job: LoadJob) -> None:
        """Let the worker load; one that is still being loaded is called off."""
        if self.loading is not None:
            self.loading.called_off.set()
        self.loading = job
        self.worker.put(job)

    def _load(self, job: LoadJob) -> None:
        self.session.facts = None
        self.status.update(stage="loading", detail=job.shown_name)
        self.begin_loading(job)

    def call_off_loading(self) -> bool:
        """End the load under way; False where there is none, or none but the embedded model, which is the way back."""
        if self.loading is None or self.loading.name is None:
            return False
        self.loading.called_off.set()
        self.status.update(stage="stopping", detail="")
        return True

    def hear_loaded(self, facts: ModelFacts) -> bool:
        """A model is there; False where another one is already on its way into its place."""
        self.loaded = facts.job
        if self.loading is not None and self.loading is not facts.job:
            return False
        wanted = facts.job.adapters if self.loading is not None and facts.job is not None else ""
        self.loading = None
        self._fit_adapters(facts, wanted)
        if self.recording and facts.job is not None and facts.job.name:
            name = facts.job.name
            self.run_worker(lambda: _remember(name), thread=True, exit_on_error=False, group="remember")
        return True

    def _fit_adapters(self, facts: ModelFacts, wanted: str) -> None:
        """Those that a model is wanted with go over it; those of another one go."""
        before, self.met = self.met, facts.identity
        now = self.session.settings.adapters
        if wanted:
            self.change_settings(lambda: self.session.change("adapters", wanted))
        elif now and before is not None and not same_weights(before, facts.identity):
            self.change_settings(lambda: self.session.change("adapters", ""))
            self.note("info", "adapters-off", f"Adapters are for one model alone, so these are off now: {now}.")

    def hear_not_loaded(self, failure: LoadFailed) -> None:
        """Say why, and go back to the model before, or else to the embedded one."""
        if self.loading is not failure.job:
            return
        self.loading = None
        if failure.called_off:
            self.hint(f"Not loaded: {failure.job.shown_name}.")
        else:
            self.note("error", "load", f"{failure.error}. {self.actions.key('models')}: all models.")
        if failure.stays:
            return
        before, self.loaded = self.loaded, None
        if before is not None and before.name != failure.job.name:
            self.note("info", "before", f"The model before is loaded again: {before.shown_name}.")
            self._load(LoadJob(before.name, before.family, before.device, before.dtype))
        elif failure.job.name is not None:
            self.note("info", "embedded", "The embedded model is loaded in its place.")
            self._load(LoadJob(None))
        else:
            self.session.abandon()
            self.main.show_end()
            self.status.update(stage="no model", detail="")
            self.catch_up()

    # Fetching

    def fetch_model(self, name: str) -> None:
        """Bring a repository of the hub into the local cache, while the session goes on."""
        if self.fetching is not None and self.fetching.running:
            return
        fetching = self.fetching = Fetching(name)
        self.run_worker(fetching.run, thread=True, exit_on_error=False, group="fetch")
        timer = self.set_interval(_TOLD_EVERY_S, lambda: tell())

        def tell() -> None:
            if fetching.running:
                self.status.update(download=fetching.text)
                return
            timer.stop()
            self.status.update(download="")
            self._fetched(fetching)

    def call_off_fetching(self) -> bool:
        """End the download under way, what came stays; False where there is none."""
        if self.fetching is None or not self.fetching.running:
            return False
        self.fetching.called_off.set()
        return True

    def _fetched(self, fetching: Fetching) -> None:
        models, name = self.actions.key("models"), safe_text(fetching.name)
        if fetching.error:
            self.note("error", "fetch", f"{fetching.error}. {models}: try again; what has come is kept.")
        elif fetching.called_off.is_set():
            self.hint(f"Stopped; what has come of {name} is kept: {models} goes on with it.")
        else:
            self.note("info", "fetched", f"{name} is on this machine now. {models}: load it.")


def _remember(name: str) -> None:
    from engine.models.recent import remember

    remember(name)
