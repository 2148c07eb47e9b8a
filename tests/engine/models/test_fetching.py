"""Fetching from a hub that is honest, cut, slow, lying or not there: whole in the end, or one line and no model."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import engine
from engine.errors import Cancelled, LoadError
from engine.events import Progress
from engine.models import download
from engine.models.catalogue import entries
from engine.models.hub import cached, fetch
from tests import hub as hubs
from tests.engine.models.conftest import REPOSITORY
from tests.hub import COMMIT, Fault, Hub

WEIGHTS = "model.safetensors"


def refusal(hub: Hub, repository: str = REPOSITORY) -> str:
    with pytest.raises(LoadError) as error:
        fetch(repository, lambda _: None)
    text = str(error.value)
    assert text.startswith(repository) and len(text.splitlines()) == 1
    assert cached(repository) is None
    return text


def whole(hub: Hub, folder: Path) -> None:
    """The weights are those of the hub, byte for byte, and nothing half done is left."""
    assert (folder / WEIGHTS).read_bytes() == hub.repositories[REPOSITORY][WEIGHTS]
    assert not list(folder.parents[1].rglob("*.incomplete"))


def stop_at(share: float) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.total and progress.done >= share * progress.total:
            raise Cancelled("enough")

    return report


def test_only_what_is_needed_is_fetched_and_told_in_bytes(hub: Hub) -> None:
    told: list[Progress] = []
    folder = fetch(REPOSITORY, told.append)
    whole(hub, folder)
    assert {path.name for path in folder.iterdir()} == {"config.json", "README.md", WEIGHTS}
    total = sum(len(hub.repositories[REPOSITORY][path.name]) for path in folder.iterdir())
    fetching = [progress for progress in told if progress.unit == "bytes"]
    assert fetching[-1] == Progress("fetching from the hub", total, total, "bytes")
    assert [progress.done for progress in fetching] == sorted(progress.done for progress in fetching)
    assert folder.name == COMMIT and cached(REPOSITORY) == folder
    hub.asked.clear()
    assert fetch(REPOSITORY, told.append) == folder and not hub.asked  # what is here needs no hub


def test_the_cache_is_the_librarys_own(hub: Hub, cache: Path) -> None:
    from huggingface_hub import hf_hub_download, scan_cache_dir

    folder = fetch(REPOSITORY, lambda _: None)
    hub.asked.clear()
    assert hf_hub_download(REPOSITORY, WEIGHTS, local_files_only=True) == str(folder / WEIGHTS)
    (repository,) = scan_cache_dir(cache).repos
    assert (repository.repo_id, repository.refs["main"].commit_hash) == (REPOSITORY, COMMIT)


def test_a_revision_that_is_named(hub: Hub) -> None:
    folder = fetch(REPOSITORY, lambda _: None, revision="old")
    assert cached(REPOSITORY, "old") == folder and cached(REPOSITORY) is None
    assert any(path.endswith("/revision/old") for path, _ in hub.asked)


def test_pickles_come_where_there_is_nothing_better(hub: Hub) -> None:
    del hub.repositories[REPOSITORY][WEIGHTS]
    folder = fetch(REPOSITORY, lambda _: None)
    assert {path.name for path in folder.iterdir()} == {"config.json", "README.md", "pytorch_model.bin"}


def test_weights_in_parts(hub: Hub, cache: Path) -> None:
    files = hub.repositories[REPOSITORY]
    data = files.pop(WEIGHTS)
    parts = {f"model-0000{i}-of-00002.safetensors": data[i * 100_000 :][:100_000] for i in (1, 2)}
    index = {"weight_map": dict(zip("ab", parts, strict=True))}
    files |= parts | {"model.safetensors.index.json": json.dumps(index).encode()}
    folder = fetch(REPOSITORY, lambda _: None)
    assert {name: (folder / name).read_bytes() for name in parts} == parts
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert cached(REPOSITORY) is None
    found = next(entry for entry in entries([cache.parent]) if entry.kind == "cache")
    assert (found.name, found.problem) == (REPOSITORY, "half fetched: fetch it again to go on")
    assert fetch(REPOSITORY, lambda _: None) == folder and cached(REPOSITORY) == folder


def test_a_connection_that_is_cut_goes_on_where_it_stopped(hub: Hub) -> None:
    hub.faults[WEIGHTS] = [hubs.cut, hubs.cut, hubs.cut]
    whole(hub, fetch(REPOSITORY, lambda _: None))
    assert hub.ranges(WEIGHTS) == ["", "bytes=500000-", "bytes=750000-", "bytes=875000-"]


def test_a_server_that_knows_no_ranges_begins_anew(hub: Hub) -> None:
    hub.faults[WEIGHTS] = [hubs.cut, hubs.whole_again]
    told: list[Progress] = []
    whole(hub, fetch(REPOSITORY, told.append))
    assert told[-1].done == told[-1].total


def test_a_connection_that_is_always_cut_is_given_up_and_can_be_gone_on_with(hub: Hub) -> None:
    hub.faults[WEIGHTS] = [hubs.cut, lambda answer, data, start: None]
    hub.lasting = True
    assert "fetch it once more to go on" in refusal(hub)
    hub.faults.clear()
    hub.asked.clear()
    whole(hub, fetch(REPOSITORY, lambda _: None))
    assert hub.ranges(WEIGHTS) == ["bytes=500000-"]


def test_a_download_is_cancelled_in_a_silence_and_gone_on_with(hub: Hub) -> None:
    hub.faults[WEIGHTS] = [hubs.stall]
    with pytest.raises(Cancelled, match="enough"):
        fetch(REPOSITORY, stop_at(0.4))
    assert not hub.released.is_set()  # nobody waited for the server
    assert cached(REPOSITORY) is None
    hub.released.set()
    told: list[Progress] = []
    whole(hub, fetch(REPOSITORY, told.append))
    assert next(progress for progress in told if progress.total).done >= 500_000  # what had come counts from the start
    assert hub.ranges(WEIGHTS) == ["", "bytes=500000-"]
    for thread in threading.enumerate():
        if thread.name == "fetching":
            thread.join(30)
            assert not thread.is_alive()


def test_a_first_word_is_enough_to_cancel(hub: Hub) -> None:
    def never(_: Progress) -> None:
        raise Cancelled("at once")

    with pytest.raises(Cancelled, match="at once"):
        fetch(REPOSITORY, never)
    assert cached(REPOSITORY) is None


def test_a_silent_hub_is_out_of_reach_and_can_be_left(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.silent = True
    with pytest.raises(Cancelled, match="enough"):
        fetch(REPOSITORY, enough_of("asking the hub", 3))
    monkeypatch.setattr("engine.models.hub.PATIENCE_S", 0.2)
    assert "not a folder here, not in the local cache, and the hub is out of reach" in refusal(hub)
    assert not hub.released.is_set()


def enough_of(stage: str, times: int) -> Callable[[Progress], None]:
    told: list[Progress] = []

    def report(progress: Progress) -> None:
        told.append(progress)
        if [each.stage for each in told].count(stage) == times:
            raise Cancelled("enough")

    return report


def test_two_at_once_fetch_it_once(hub: Hub) -> None:
    told: list[Progress] = []
    hub.faults[WEIGHTS] = [hubs.stall]
    other = threading.Thread(target=fetch, args=(REPOSITORY, lambda _: None))
    other.start()
    while not hub.ranges(WEIGHTS):
        time.sleep(0.01)

    def report(progress: Progress) -> None:
        told.append(progress)
        if progress.stage == "another program is fetching the same":
            hub.released.set()

    whole(hub, fetch(REPOSITORY, report))
    other.join(60)
    assert hub.ranges(WEIGHTS) == ["", "bytes=500000-"]
    assert told[-1].done == told[-1].total


class Lie(NamedTuple):
    fault: Fault
    said: str


LIES = {
    "shorter": Lie(hubs.shorter, "has 999,990 bytes and not the 1,000,000 that the hub says"),
    "longer": Lie(hubs.longer, "longer than the 1,000,000 bytes that the hub says"),
    "other content": Lie(hubs.other, "its content is not what the hub says"),
    "a page": Lie(hubs.page, "has 26 bytes and not the 1,000,000"),
    "gone": Lie(hubs.refused(404, X_Error_Code="EntryNotFound"), "the hub answers with an error (404)"),
    "forbidden": Lie(hubs.refused(403), "the hub refuses it (403)"),
    "broken": Lie(hubs.refused(503), "the hub answers with an error (503)"),
    "past its end": Lie(hubs.refused(416), "its size is not what the hub says"),
}


@pytest.mark.parametrize("how", LIES)
def test_what_is_not_what_the_hub_says_becomes_no_model(hub: Hub, cache: Path, how: str) -> None:
    hub.faults[WEIGHTS] = [LIES[how].fault]
    hub.lasting = True
    assert LIES[how].said in refusal(hub)
    assert not list(cache.rglob(f"snapshots/*/{WEIGHTS}"))
    blob = hashlib.sha256(hub.repositories[REPOSITORY][WEIGHTS]).hexdigest()
    assert not list(cache.rglob(f"blobs/{blob}*"))  # nothing that the next try would build on


@pytest.mark.parametrize("how", ["shorter", "longer", "other content", "a page", "broken"])
def test_what_was_wrong_once_is_fetched_again(hub: Hub, how: str) -> None:
    hub.faults[WEIGHTS] = [LIES[how].fault]
    whole(hub, fetch(REPOSITORY, lambda _: None))


def test_a_small_file_is_checked_too(hub: Hub) -> None:
    hub.faults["config.json"] = [hubs.other]
    hub.lasting = True
    assert "config.json: its content is not what the hub says" in refusal(hub)


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    said: str


ANSWERS = {
    "none": Answered(404, {"X-Error-Code": "RepoNotFound"}, b"", "no such model on the hub"),
    "private": Answered(401, {}, b"", "no such model on the hub, and no such folder here; for a private one log in"),
    "gated": Answered(401, {"X-Error-Code": "GatedRepo"}, b"", "a gated model; accept its terms on its page"),
    "gated for you": Answered(403, {"X-Error-Code": "GatedRepo"}, b"", "a gated model; accept its terms on its page"),
    "no revision": Answered(404, {"X-Error-Code": "RevisionNotFound"}, b"", "no such revision"),
    "forbidden": Answered(403, {}, b"", "the hub refuses it (403)"),
    "too many": Answered(429, {"RateLimit": '"api";r=0;t=95'}, b"", "too many requests; try again in 1 min 35 s"),
    "too many, later": Answered(429, {"Retry-After": "7"}, b"", "try again in 7 s"),
    "too many, no time": Answered(429, {}, b"", "too many requests; try again later"),
    "broken": Answered(500, {}, b"", "the hub answers with an error (500)"),
    "a page": Answered(200, {}, b"<html>Please log in</html>", "is HF_ENDPOINT the address of a hub?"),
    "a list": Answered(200, {}, b"[1]", "is HF_ENDPOINT the address of a hub?"),
    "an empty object": Answered(200, {}, b"{}", "is HF_ENDPOINT the address of a hub?"),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_each_refusal_is_one_line(hub: Hub, how: str) -> None:
    status, headers, body, said = ANSWERS[how]
    hub.refusal = (status, headers, body)
    assert said in refusal(hub)


def test_a_hub_that_asks_to_wait_is_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(download.Download, "_pause", lambda _, seconds: waits.append(seconds))
    hub.faults[WEIGHTS] = [hubs.refused(429, Retry_After="42")]
    whole(hub, fetch(REPOSITORY, lambda _: None))
    assert waits == [42.0]
    shutil.rmtree(hub_cache(), ignore_errors=True)
    hub.faults[WEIGHTS] = [hubs.refused(429, Retry_After="7200")]
    assert "too many requests; try again in 2 h 0 min" in refusal(hub)


def hub_cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def test_a_repository_without_a_model(hub: Hub) -> None:
    files = hub.repositories[REPOSITORY]
    kept = dict(files)
    for name in (WEIGHTS, "pytorch_model.bin"):
        del files[name]
    assert "no weights that can be read safely" in refusal(hub)
    files.clear()
    files.update({"model.gguf": b"GGUF"})
    assert "no config.json" in refusal(hub) and "hf download" in refusal(hub)
    files.update(kept)
    whole(hub, fetch(REPOSITORY, lambda _: None))


def test_an_adapter_is_fetched_and_is_no_model(hub: Hub) -> None:
    files = hub.repositories[REPOSITORY]
    del files["config.json"]
    files |= {"adapter_config.json": b"{}", "adapter_model.safetensors": files[WEIGHTS][:5000]}
    with pytest.raises(LoadError, match="someone/tiny: an adapter, no model of its own"):
        engine.load(REPOSITORY, device="cpu")
    folder = fetch(REPOSITORY, lambda _: None)
    assert {path.name for path in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors", "README.md"}
    hub.asked.clear()
    assert cached(REPOSITORY) == folder == fetch(REPOSITORY, lambda _: None) and not hub.asked


@pytest.mark.parametrize("name", ["../../evil.json", "/evil.json", "a/../evil.json", "e\nvil.json", ".evil.json"])
def test_a_name_that_leads_elsewhere_is_no_file(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.repositories[REPOSITORY][name] = b"{}"
    folder = fetch(REPOSITORY, lambda _: None)
    assert len(list(folder.iterdir())) == 3
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


@pytest.mark.parametrize("sum_", ["../../evil", "", None, "0" * 39])
def test_a_sum_that_is_none_is_refused(hub: Hub, sum_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    described = hub.described(REPOSITORY)
    for item in described["siblings"]:
        item.pop("lfs", None)
        item["blobId"] = sum_
    monkeypatch.setattr(hub, "more", {"siblings": described["siblings"]})
    assert "does not tell size and sum" in refusal(hub)


def test_a_full_disk_is_told_before(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=50_500_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "no room on the disk: 1 MB are missing and 50.5 MB are free" in refusal(hub)
    assert not hub.ranges(WEIGHTS)


def test_a_cache_that_cannot_be_written(hub: Hub, cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    assert "cannot be written" in refusal(hub)
