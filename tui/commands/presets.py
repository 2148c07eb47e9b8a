"""Presets: take one, keep one, bring one in, give one out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from engine.errors import ConfigError, EngineError, SettingError
from engine.presets import NEUTRAL, Preset, from_generation_config, to_generation_config
from engine.settings import Settings
from engine.text_files import home_path
from engine.user_files import write_text
from tui.commands.base import SessionApp

GENERATION_CONFIG = "generation_config.json"


class PresetCommands(SessionApp):
    """Whole ways to decode, under a digit."""

    def show_presets(self) -> None:
        """Let the settings say which preset is in force, and tell what is wrong with the user's own."""
        self.settings_panel.entitle(self._preset_of)
        for complaint in self.shelf.complaints:
            self.note("warning", "presets", complaint)

    def _preset_of(self, settings: Settings) -> str:
        digit = self.shelf.in_force(settings)
        return f"{digit} {self.shelf[digit].name}" if digit else ""

    def action_preset(self, digit: int) -> None:
        """Decode by a preset from the next token on."""
        self._decode_by(self.shelf[digit], f"Preset {digit}: {self.shelf[digit].name}.")

    def action_neutralize(self) -> None:
        """The model's own distribution."""
        self._decode_by(NEUTRAL, "Nothing is cut and nothing bent: the model's own distribution.")

    def _decode_by(self, preset: Preset, hint: str) -> None:
        def take() -> None:
            self.session.change_together(preset.values)
            self.hint(hint)

        self.change_settings(take)

    def action_keep_preset(self) -> None:
        """Keep the decoding settings under a digit and a name."""
        self._ask_where_to_keep("", lambda name: Preset.of(name, self.session.settings))

    def _ask_where_to_keep(self, name: str, preset_called: Callable[[str], Preset]) -> None:
        from tui.screens.keep_preset import KeepPreset

        def keep(answer: tuple[int, str] | None) -> None:
            if answer is None:
                return
            digit, called = answer
            try:
                self.shelf.keep(digit, preset_called(called))
            except EngineError as error:
                self.note("error", "presets", str(error))
                return
            self.settings_panel.entitle(self._preset_of)
            key = self.actions[f"preset_{digit}"].shown_key
            self.hint(f"Kept as preset {digit}{f': {key} takes it' if key else ''}.")

        self.push_screen(KeepPreset(self.shelf, name), keep)

    def action_import_preset(self) -> None:
        """Make a preset of a generation_config.json."""
        from tui.screens.ask import Ask

        def bring(given: str | None) -> None:
            if not given:
                return
            path = Path(given).expanduser()
            try:
                preset, left_out = from_generation_config(path)
            except ConfigError as error:
                self.note("error", "presets", str(error))
                return
            for line in left_out:
                self.note("warning", "presets", f"{path.name}: {line}; it is left out")
            values = preset.differences
            name = path.resolve().parent.name if path.name == GENERATION_CONFIG else path.stem
            self._ask_where_to_keep(name, lambda called: Preset(called, values))

        self.push_screen(Ask("Import a preset from", GENERATION_CONFIG), bring)

    def action_export_preset(self) -> None:
        """Write the decoding settings as a generation_config.json."""
        from tui.screens.ask import Ask

        def give(given: str | None) -> None:
            if not given:
                return
            path = Path(given).expanduser()
            try:
                config = to_generation_config(self.session.settings)
                if path.exists():
                    raise ConfigError(f"{home_path(path)}: is there already; take another name")
                write_text(path, json.dumps(config, indent=2) + "\n")
            except (ConfigError, SettingError, OSError, ValueError) as error:
                self.note("error", "presets", str(error))
                return
            self.note("info", "presets", f"The decoding settings are in {path.absolute()}.")

        self.push_screen(Ask("Export the decoding settings to", GENERATION_CONFIG), give)
