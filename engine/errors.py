"""What can go wrong, said in one line each.

Every error that a user can cause is an `EngineError`: its text is one line that says what is wrong and, where
there is one, the way on. The command prints it and exits 2; the session shows it as a note.
"""

from __future__ import annotations

from engine.safe_text import safe_text


class EngineError(Exception):
    """An error whose text is fit to be shown as it stands, after `safe_text`."""


class SettingError(EngineError, ValueError):
    """A setting that is unknown, of the wrong type or out of its bounds."""


class LoadError(EngineError):
    """A model that cannot be found, read or placed on its device."""


class Cancelled(EngineError):  # noqa: N818 - that it was asked for is no error
    """A load or a download that was told to stop: raised by the callback that it reports to, and passed on as it is."""


class PromptError(EngineError, ValueError):
    """A prompt that the model cannot take."""


class ConfigError(EngineError):
    """A file of the user's own (configuration, presets) that cannot be read or written."""


class TranscriptError(EngineError):
    """A transcript that cannot be written or read."""


class FileError(EngineError):
    """A file that cannot be read as text or cannot be written."""


class NameTakenError(FileError):
    """A file that would have been written over."""


def shown(value: object) -> str:
    """A value as part of an error's text: on one line, and cut where it is long."""
    return f"{safe_text(value if isinstance(value, str) else repr(value)):.60}"


def one_line(error: BaseException, limit: int = 300) -> str:
    """The text of any exception as one line of at most `limit` characters, its type in front where that helps."""
    text = " ".join(str(error).split())
    if not isinstance(error, EngineError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
