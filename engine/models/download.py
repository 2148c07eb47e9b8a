"""One file from the hub: resumed where it was cut, checked by size and sum, and only then given its name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import WeakFileLock, build_hf_headers, get_session, hf_raise_for_status

from engine.errors import Cancelled, EngineError, LoadError
from engine.models.hub_asking import LOOK_S, PATIENCE_S, hub_errors, status_of, waiting_time
from engine.text_files import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIES = 5  # in a row that bring nothing new
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_LONGEST_WAIT_S = 60  # that a hub may ask for without being given up
_PIECE = 1 << 18
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PASSING = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository, as the hub describes it: `sum` is its SHA-256, or git's SHA-1 of a small file."""

    name: str
    url: str
    size: int
    sum: str


class _WrongError(Exception):
    """What came is not the file that the hub describes."""


class Download:
    """Fetches one file to `target`; what has come lies beside it, for the next time, until it is whole.

    `waits` gets a line for people where it has to wait, and an empty one when it goes on. Raises `LoadError`;
    `Cancelled` after `stopped` was set.
    """

    def __init__(
        self,
        file: RemoteFile,
        target: Path,
        lock: Path,
        waits: Callable[[str], None],
        stopped: Event,
    ) -> None:
        self._file, self._target, self._lock = file, target, lock
        self._waits, self._stopped = waits, stopped
        self._part = part_of(target)

    def run(self) -> None:
        """Fetch it, unless it is there."""
        try:
            for path in (self._target, self._lock):
                path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked():
                if self._target.is_file() and self._target.stat().st_size == self._file.size:
                    return
                self._fetch()
        except OfflineModeIsEnabled:
            raise
        except OSError as error:
            raise LoadError(f"{self._file.name}: cannot be written: {reason(error)}") from error

    def _fetch(self) -> None:
        """Twice at most from the beginning: what is wrong once may have been spoilt on its way."""
        for last in (False, True):
            try:
                self._complete()
                self._waits("checking what has come")
                self._check()
                self._waits("")
                self._part.replace(self._target)
                return
            except _WrongError as error:
                self._part.unlink(missing_ok=True)
                if last:
                    raise LoadError(f"{self._file.name}: {error}; what came was thrown away") from error

    def _complete(self) -> None:
        """Go on until all bytes are here. A connection that is cut is tried again, with longer and longer pauses."""
        tries = 0
        while (before := _size(self._part)) != self._file.size or not self._part.exists():
            pause = min(_FIRST_PAUSE_S * 2**tries, _LONGEST_PAUSE_S)
            trouble = ""
            try:
                self._stream(before)
                trouble = f"ends after {_size(self._part):,} of {self._file.size:,} bytes"
            except (EngineError, OfflineModeIsEnabled, _WrongError):
                raise
            except HfHubHTTPError as error:
                pause = self._pause_for(error, pause, last=tries + 1 >= _TRIES)
            except OSError:  # the disk's: those of the network are of the http library's own kinds
                raise
            except Exception:
                trouble = "the connection was cut again and again; fetch it once more to go on where it stopped"
            tries = 0 if _size(self._part) > before else tries + 1
            if tries >= _TRIES:
                raise _WrongError(trouble) if trouble.startswith("ends") else LoadError(f"{self._file.name}: {trouble}")
            if _size(self._part) != self._file.size:
                self._pause(pause)

    def _stream(self, done: int) -> None:
        """Append what the hub sends from byte `done` on."""
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        if done:
            headers["Range"] = f"bytes={done}-"
        with get_session().stream("GET", self._file.url, headers=headers, timeout=PATIENCE_S * 2) as response:
            if response.status_code == 416:
                raise _WrongError("its size is not what the hub says")
            if response.status_code >= 400:
                response.read()  # the library tells more of it then
            hf_raise_for_status(response)
            if done and not self._goes_on(response, done):
                done = 0
            self._check_length(response, done)
            self._waits("")
            with self._part.open("ab" if done else "wb") as file:
                for piece in response.iter_bytes():  # as they come: pieces of one size would lose the last at a cut
                    done += len(piece)
                    if done > self._file.size:
                        raise _WrongError(f"is longer than the {self._file.size:,} bytes that the hub says")
                    file.write(piece)
                    self._look()

    def _goes_on(self, response: Any, done: int) -> bool:
        """Whether a server that was asked for the rest gives the rest; one that knows no ranges begins anew."""
        found = _RANGE.fullmatch(response.headers.get("content-range", ""))
        return response.status_code == 206 and found is not None and int(found[1]) == done

    def _check_length(self, response: Any, done: int) -> None:
        length = response.headers.get("content-length", "")
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        if length.isdecimal() and not encoded and done + int(length) != self._file.size:
            raise _WrongError(f"has {done + int(length):,} bytes and not the {self._file.size:,} that the hub says")

    def _check(self) -> None:
        if len(self._file.sum) == 40:
            found = hashlib.sha1(b"blob %d\0" % self._file.size, usedforsecurity=False)
        else:
            found = hashlib.sha256()
        with self._part.open("rb") as file:
            while piece := file.read(_PIECE):
                self._look()
                found.update(piece)
        if found.hexdigest() != self._file.sum:
            raise _WrongError("its content is not what the hub says")

    def _pause_for(self, error: HfHubHTTPError, pause: float, *, last: bool) -> float:
        """How long to wait after a refusal that may pass; any other is raised, as one that lasts."""
        status = status_of(error)
        wait = waiting_time(error) if status == 429 else None
        if status not in _PASSING or last or (wait or 0) > _LONGEST_WAIT_S:
            with hub_errors(self._file.name):
                raise error
        if wait:
            self._waits(f"the hub asks to wait {wait} s")
        return float(wait) if wait is not None else pause

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(seconds)
        self._look()

    def _look(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("stopped")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone with the file: another program, or another thread here, may be fetching it."""
        while True:
            lock = WeakFileLock(self._lock, timeout=LOOK_S)
            try:
                lock.__enter__()
                self._waits("")
                break
            except TimeoutError:
                self._waits("another program is fetching the same")
                self._look()
        try:
            yield
        finally:
            lock.__exit__(None, None, None)


def part_of(target: Path) -> Path:
    """Where a file lies until it is whole, as the library called it when it still went on with one."""
    return target.with_name(f"{target.name}.incomplete")


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
