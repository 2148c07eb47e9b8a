"""A small hub on this machine, which speaks as much as huggingface_hub needs and breaks where a test wants it to."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = 2000  # bytes from which a file counts as large, and is told by its SHA-256


class Answer(BaseHTTPRequestHandler):
    """One request. A fault is called with it, the file's bytes and the first byte that is asked for."""

    hub: Hub

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        parts = unquote(address.path).strip("/").split("/")
        self.hub.asked.append((address.path, self.headers.get("Range", "")))
        if self.hub.silent:
            self.hub.released.wait(30)
        if self.hub.refusal is not None:
            self.say(*self.hub.refusal)
        elif parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parse_qs(address.query))
        elif len(parts) > 4 and parts[2] == "resolve":
            self._send("/".join(parts[:2]), "/".join(parts[4:]))
        else:
            self.say(404)

    def _describe(self, repository: str, query: dict[str, list[str]]) -> None:
        if not repository:
            text = query.get("search", [""])[0]
            found = [self.hub.described(name) for name in self.hub.repositories if text in name]
            self.say(200, body=json.dumps(found).encode())
        elif repository in self.hub.repositories:
            self.say(200, body=json.dumps(self.hub.described(repository)).encode())
        else:
            self.say(404, {"X-Error-Code": "RepoNotFound"})

    def _send(self, repository: str, name: str) -> None:
        data = self.hub.repositories.get(repository, {}).get(name)
        if data is None:
            self.say(404, {"X-Error-Code": "EntryNotFound"})
            return
        asked = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        start = int(asked) if asked else 0
        faults = self.hub.faults.get(name, [])
        if faults:
            (faults.pop(0) if len(faults) > 1 or not self.hub.lasting else faults[0])(self, data, start)
        elif start > len(data):
            self.say(416)
        else:
            self.begin(data, start)
            self.wfile.write(data[start:])

    def begin(self, data: bytes, start: int) -> None:
        """The head of an honest answer, for the bytes from `start` on."""
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()

    def say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


Fault = Callable[[Answer, bytes, int], None]


@dataclass
class Hub:
    """`faults` are met by the requests for a file, one each, or by all of them with the last where they are `lasting`.

    `asked` lists path and range of all requests; `refusal` answers them all, and a `silent` hub none before it is
    `released`.
    """

    address: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    lasting: bool = False
    refusal: tuple[int, dict[str, str], bytes] | None = None
    silent: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    released: Event = field(default_factory=Event)

    def described(self, repository: str) -> dict[str, Any]:
        """As the hub's API tells it."""
        files = self.repositories[repository]
        siblings = [_sibling(name, data) for name, data in files.items()]
        return {"id": repository, "sha": COMMIT, "tags": [], "siblings": siblings, **self.more}

    def ranges(self, name: str) -> list[str]:
        """The ranges that were asked for of a file, in the order of the requests."""
        return [span for path, span in self.asked if path.endswith(f"/{name}")]


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    item: dict[str, Any] = {"rfilename": name, "size": len(data)}
    item["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if len(data) >= _LARGE:
        item["lfs"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130}
    return item


def cut(answer: Answer, data: bytes, start: int) -> None:
    """Half of what was promised, then the connection ends."""
    answer.begin(data, start)
    answer.wfile.write(data[start : start + (len(data) - start) // 2])


def stall(answer: Answer, data: bytes, start: int) -> None:
    """Half of what was promised, then silence."""
    cut(answer, data, start)
    answer.wfile.flush()
    answer.hub.released.wait(30)


def shorter(answer: Answer, data: bytes, start: int) -> None:
    """An honest answer about a file that lacks its end."""
    answer.begin(data[:-10], start)
    answer.wfile.write(data[start:-10])


def longer(answer: Answer, data: bytes, start: int) -> None:
    """More than there should be, without saying how much."""
    answer.send_response(200)
    answer.end_headers()
    answer.wfile.write(data + b"more")


def other(answer: Answer, data: bytes, start: int) -> None:
    """As many bytes, but not these."""
    changed = bytes(byte ^ 1 for byte in data)
    answer.begin(changed, start)
    answer.wfile.write(changed[start:])


def page(answer: Answer, data: bytes, start: int) -> None:
    """What a hotel's network answers to everything."""
    answer.say(200, {"Content-Type": "text/html"}, b"<html>Please log in</html>")


def whole_again(answer: Answer, data: bytes, start: int) -> None:
    """A server that knows no ranges."""
    answer.begin(data, 0)
    answer.wfile.write(data)


def refused(status: int, **headers: str) -> Fault:
    return lambda answer, data, start: answer.say(status, {k.replace("_", "-"): v for k, v in headers.items()})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # who asked may hang up
            raise


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that listens on the loopback."""
    hub = Hub()
    handler = type("Bound", (Answer,), {"hub": hub})
    server = _Server(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()


@contextmanager
def reached(hub: Hub, cache: Path) -> Iterator[None]:
    """Within, the library in this process takes `hub` for the real one, and keeps what it fetches in `cache`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if "proxy" in name.lower()]:
            patch.delenv(name)
        patch.setattr(constants, "ENDPOINT", hub.address)
        patch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        yield
