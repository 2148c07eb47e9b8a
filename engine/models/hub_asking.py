"""Questions to the hub: asked beside the thread that waits, so that it can be cancelled, and answered in one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import parse_ratelimit_headers

from engine.errors import EngineError, LoadError, one_line
from engine.rate import duration_text

PATIENCE_S = 5.0
"""Seconds until a hub that does not answer counts as out of reach."""
LOOK_S = 0.1
"""Seconds between two looks at whether it was cancelled."""
_LOG_IN = "log in with: hf auth login"

Answer = TypeVar("Answer")


def ask(work: Callable[[], Answer], look: Callable[[], object], patience_s: float = 2 * PATIENCE_S) -> Answer:
    """What `work` returns or raises, done in a thread of its own; `look` is called while it lasts, and may raise.

    Raises `TimeoutError` where it takes longer than `patience_s`; the thread is left to itself then.
    """
    results: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run, daemon=True)
    end = time.monotonic() + patience_s
    thread.start()
    while thread.is_alive():
        look()
        thread.join(LOOK_S)
        if time.monotonic() > end:
            raise TimeoutError("no answer")
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def hub_errors(what: str, before: str = "") -> Iterator[None]:
    """Whatever the hub and the library raise becomes a `LoadError` of one line that begins with `what`.

    `before` says where it was looked for before the hub was.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        raise LoadError(f"{what}: {_reason(error, before)}") from error


def waiting_time(error: HfHubHTTPError) -> int | None:
    """Seconds that a hub which has had too many requests asks to wait; None where it names none."""
    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit is not None:
        return int(limit.reset_in_seconds)
    text = headers.get("retry-after", "").strip()
    return int(text) if text.isdecimal() and len(text) < 6 else None


def status_of(error: Exception) -> int:
    """The HTTP status of a refusal; 0 for any other error."""
    return int(error.response.status_code) if isinstance(error, HfHubHTTPError) else 0


def _reason(error: Exception, before: str) -> str:
    status = status_of(error)
    if isinstance(error, OfflineModeIsEnabled):
        return f"{before}the hub is out of reach: HF_HUB_OFFLINE is set"
    if isinstance(error, GatedRepoError):
        return f"a gated model; accept its terms on its page, then {_LOG_IN}"
    if isinstance(error, RevisionNotFoundError):
        return "the hub has no such revision of it"
    if isinstance(error, DisabledRepoError):
        return "the hub has closed this model"
    if isinstance(error, RepositoryNotFoundError) or status == 401:
        return f"no such model on the hub, and no such folder here; for a private one {_LOG_IN}"
    if isinstance(error, HFValidationError):
        return "no name that a model of the hub can have"
    if isinstance(error, HfHubHTTPError) and status == 429:
        wait = waiting_time(error)
        when = f"again in {duration_text(wait)}" if wait is not None else "again later"
        return f"the hub has had too many requests; try {when}, or {_LOG_IN}"
    if status == 403:
        return f"the hub refuses it (403); {_LOG_IN}, with a token that may read it"
    if status:
        return f"the hub answers with an error ({status}); try again later"
    if isinstance(error, ValueError | KeyError | TypeError):
        return f"the hub's answer cannot be understood; is HF_ENDPOINT the address of a hub? ({one_line(error, 80)})"
    return f"{before}the hub is out of reach; the embedded model needs none: leave the name out"
