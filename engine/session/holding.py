"""Who writes a transcript now: a lock that the system lets go of when its session ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
except ImportError:  # a system without such locks: nothing is held there
    flock = None  # type: ignore[assignment]


def hold(descriptor: int) -> None:
    """Hold an open file until it is closed. One that another session holds, or that cannot be held, is left so."""
    _locked(descriptor, exclusive=True)


def is_held(path: Path) -> bool:
    """Whether a session, this one too, has the file open to write to it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return False
    try:
        return not _locked(descriptor, exclusive=False)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, *, exclusive: bool) -> bool:
    """True also where the file system has no locks: nobody else can have one there."""
    if flock is None:
        return True
    try:
        flock(descriptor, (LOCK_EX if exclusive else LOCK_SH) | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
