"""How far the weights have been read, told through the hook that transformers has for its progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from transformers import modeling_gguf_pytorch_utils
from transformers.utils import logging

from engine.events import Progress


class _Bar:
    """Stands in for a tqdm bar: passes the items on and reports about fifty times on the way."""

    def __init__(self, report: Callable[[Progress], None], items: Any, total: int, stage: str) -> None:
        self._report, self._items, self._total, self._stage = report, items, total, stage
        self._done = 0

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            yield item
            self.update()

    def update(self, count: int = 1) -> None:
        self._done += count
        if self._done % max(self._total // 50, 1) == 0 or self._done == self._total:
            self._report(Progress(self._stage, self._done, self._total))

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


@contextmanager
def weights_progress(report: Callable[[Progress], None]) -> Iterator[None]:
    """While inside, transformers' bars become reports instead of lines on the terminal."""

    def hook(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Bar:
        items = args[0] if args else kwargs.get("iterable", ())
        total = kwargs.get("total") or (len(items) if hasattr(items, "__len__") else 0)
        return _Bar(report, items, total, "reading the weights")

    before, gguf_before = logging.set_tqdm_hook(hook), modeling_gguf_pytorch_utils.tqdm
    # The reader of .gguf files takes its bar from tqdm itself, past the hook.
    modeling_gguf_pytorch_utils.tqdm = lambda *args, **kwargs: hook(None, args, kwargs)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)
        modeling_gguf_pytorch_utils.tqdm = gguf_before
