"""What tells one model's files from another's: SHA-256 of the weights, and of all that goes with them.

The whole files are read, once: a sum is kept in the user's cache folder under the file's path, inode, size and times.
The time of the last change of the inode is among them, which no copying tool can set back. A blob of the hub's cache
is named by its sum already.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from engine.errors import Cancelled

_SUM = re.compile(r"[0-9a-f]{64}")
_KEPT_FROM = 16_000_000  # bytes; a smaller file is summed up sooner than a sum is looked up
_PIECE = 1 << 20
_WITH_THEM = {".json", ".txt", ".model", ".bin", ".pkl"}


def fingerprint(place: Path, cancelled: Callable[[], bool] = lambda: False) -> dict[str, str]:
    """`weights` and `files`, each a sum in hexadecimal, and the hub's `revision` where there is one.

    `place` is a checkpoint's folder or a .gguf file. Raises `OSError`, and `Cancelled` where that was asked for.
    """
    if place.is_file():
        return {"weights": file_sum(place, cancelled)}
    files = sorted(path for path in place.iterdir() if path.is_file())
    weights = [path for path in files if path.suffix == ".safetensors"] or [
        path for path in files if path.match("pytorch_model*.bin")
    ]
    others = [path for path in files if path.suffix in _WITH_THEM and path not in weights]
    found = {"weights": _together(weights, cancelled), "files": _together(others, cancelled)}
    return found | ({"revision": place.name} if place.parent.name == "snapshots" else {})


def _together(files: list[Path], cancelled: Callable[[], bool]) -> str:
    """One file's own sum, so that it can be compared with any tool's; of several that of their names and sums."""
    if len(files) == 1:
        return file_sum(files[0], cancelled)
    sums = "".join(f"{file_sum(path, cancelled)}  {path.name}\n" for path in files)
    return hashlib.sha256(sums.encode()).hexdigest()


def file_sum(file: Path, cancelled: Callable[[], bool] = lambda: False) -> str:
    """A file's own sum. Raises `OSError`, and `Cancelled` where that was asked for."""
    real = file.resolve()
    if real.parent.name == "blobs" and _SUM.fullmatch(real.name):
        return real.name
    facts = real.stat()
    if facts.st_size < _KEPT_FROM:
        return _read(real, cancelled)
    state = (real, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    key = hashlib.sha256("\0".join(map(str, state)).encode()).hexdigest()[:32]
    kept = user_cache_path("textgen-tui") / "sums" / key
    with suppress(OSError, ValueError):
        known = kept.read_text(encoding="ascii")[:65]
        if _SUM.fullmatch(known):
            return known
    found = _read(real, cancelled)
    with suppress(OSError):  # without the room or the right to write it is summed up anew the next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found, encoding="ascii")
    return found


def _read(file: Path, cancelled: Callable[[], bool]) -> str:
    total = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            if cancelled():
                raise Cancelled("stopped")
            total.update(piece)
    return total.hexdigest()
