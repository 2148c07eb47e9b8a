"""Repositories of the Hugging Face hub: from the local cache where they are, else fetched into it."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from huggingface_hub import HfApi, constants

from engine.errors import Cancelled, LoadError
from engine.events import Progress
from engine.models.download import Download, RemoteFile, part_of
from engine.models.hub_asking import LOOK_S, PATIENCE_S, ask, hub_errors
from engine.models.hub_cache import cached
from engine.models.hub_files import wanted
from engine.models.hub_search import search
from engine.quantities import bytes_text

__all__ = ["cached", "fetch", "search"]

Report = Callable[[Progress], None]
_AT_ONCE = 4
_SPARE = 50_000_000  # bytes of a disk that stay free


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be fetched of a repository at one commit, and where to."""

    repository: str
    commit: str
    files: tuple[RemoteFile, ...]

    @property
    def root(self) -> Path:
        return Path(constants.HF_HUB_CACHE).expanduser() / f"models--{self.repository.replace('/', '--')}"

    @property
    def snapshot(self) -> Path:
        return self.root / "snapshots" / self.commit

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def blob(self, file: RemoteFile) -> Path:
        return self.root / "blobs" / file.sum

    def lock(self, file: RemoteFile) -> Path:
        """The library's own, so that its downloads and these keep out of each other's way."""
        return self.root.parent / ".locks" / self.root.name / f"{file.sum}.lock"

    def here(self, file: RemoteFile) -> int:
        """The bytes of a file that have come."""
        whole = self.blob(file)
        for path in (whole, part_of(whole), whole):  # it may get its name in between
            with suppress(OSError):
                size = path.stat().st_size
                if path != whole or size == file.size:
                    return min(size, file.size)
        return 0


def fetch(repository: str, report: Report, revision: str | None = None) -> Path:
    """The folder that holds a repository's files, at its main revision if none is named.

    What is in the cache whole is taken from there without asking the hub; else what is missing is fetched, of the
    weights safetensors before pickles. `report` is called from this thread, several times a second, with the bytes that
    are here and those of all files; it may raise `Cancelled`, and then, as after any error, what has come stays and
    the next call goes on from there. Raises `LoadError` in one line.
    """
    folder = cached(repository, revision)
    if folder is not None:
        return folder
    plan = _plan(repository, revision, lambda: report(Progress("asking the hub")))
    _check_room(plan)
    _Fetching(plan, report).run()
    with hub_errors(repository):
        _link(plan, revision or constants.DEFAULT_REVISION)
    return plan.snapshot


def _plan(repository: str, revision: str | None, look: Callable[[], object]) -> Plan:
    with hub_errors(repository, "not a folder here, not in the local cache, and "):
        work = lambda: HfApi().model_info(repository, revision=revision, timeout=PATIENCE_S, files_metadata=True)  # noqa: E731
        info = ask(work, look)
        return Plan(repository, str(info.sha), wanted(repository, info))


def _check_room(plan: Plan) -> None:
    """Raises `LoadError` where the disk has no room for what is missing."""
    missing = plan.total - sum(map(plan.here, plan.files))
    place = next(folder for folder in (plan.root, *plan.root.parents) if folder.is_dir())
    with suppress(OSError):
        free = shutil.disk_usage(place).free
        if missing + _SPARE > free:
            raise LoadError(
                f"{plan.repository}: no room on the disk: {bytes_text(missing)} are missing and {bytes_text(free)} are "
                "free; HF_HOME can name another place for the cache"
            )


class _Fetching:
    """The files of a plan, a few at a time in threads of their own, watched from the thread that reports."""

    def __init__(self, plan: Plan, report: Report) -> None:
        self._plan, self._report = plan, report
        self._lock, self._stopped, self._ended = Lock(), Event(), Event()
        self._running = min(_AT_ONCE, len(plan.files))
        self._note = ""
        self._errors: list[BaseException] = []
        self._queue: queue.SimpleQueue[RemoteFile] = queue.SimpleQueue()
        for file in sorted(plan.files, key=lambda file: file.size):
            self._queue.put(file)

    def run(self) -> None:
        try:
            for _ in range(self._running):
                Thread(target=self._work, name="fetching", daemon=True).start()
            while not self._ended.is_set():
                self._tell()
                self._ended.wait(LOOK_S)
        finally:
            self._stopped.set()
        if self._errors:
            error = next((e for e in self._errors if not isinstance(e, Cancelled)), self._errors[0])
            with hub_errors(self._plan.repository):
                raise LoadError(f"{self._plan.repository}: {error}") if isinstance(error, LoadError) else error
        self._tell()

    def _tell(self) -> None:
        """By what lies on the disk, whoever brought it: another program may be fetching the same."""
        done = sum(map(self._plan.here, self._plan.files))
        self._report(Progress(self._note or "fetching from the hub", done, self._plan.total, "bytes"))

    def _work(self) -> None:
        try:
            self._work_through()
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._ended.set()

    def _work_through(self) -> None:
        while not self._stopped.is_set():
            try:
                file = self._queue.get_nowait()
            except queue.Empty:
                return
            try:
                Download(file, self._plan.blob(file), self._plan.lock(file), self._waits, self._stopped).run()
            except BaseException as error:
                self._errors.append(error)
                self._stopped.set()

    def _waits(self, note: str) -> None:
        self._note = note


def _link(plan: Plan, revision: str) -> None:
    """Give the files their names, as the hub's cache has them, and only then tell that the revision is here."""
    plan.snapshot.mkdir(parents=True, exist_ok=True)
    for file in plan.files:
        place = plan.snapshot / file.name
        if place.exists():
            continue
        place.unlink(missing_ok=True)  # a link to what is gone
        try:
            place.symlink_to(os.path.relpath(plan.blob(file), place.parent))
        except OSError:  # a disk, or a system, without links
            shutil.copyfile(plan.blob(file), place)
    if revision != plan.commit:
        ref = plan.root / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        unfinished = ref.with_name(f"{ref.name}.{os.getpid()}.tmp")
        unfinished.write_text(plan.commit, encoding="ascii")
        unfinished.replace(ref)
