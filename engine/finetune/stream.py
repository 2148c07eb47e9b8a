"""Work that tells by calling, such as the library's training loop, as a generator of what it tells."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Closed(BaseException):
    """Raised in the work where nobody listens any more; no `except Exception` holds it up."""


def told(work: Callable[[Callable[[T], None]], None]) -> Iterator[T]:
    """What `work` tells, in order. It runs in a thread of its own, at most one item ahead of who listens.

    Closing the generator ends the work at the next thing it tells, and waits for that. What `work` raises is raised
    here, at the end.
    """
    items: queue.Queue[T | _End] = queue.Queue(1)
    closed = threading.Event()

    def tell(item: T) -> None:
        if closed.is_set():
            raise Closed
        items.put(item)

    def run() -> None:
        error: BaseException | None = None
        try:
            work(tell)
        except Closed:
            pass
        except BaseException as raised:
            error = raised
        items.put(_End(error))

    thread = threading.Thread(target=run, name="finetune", daemon=True)
    thread.start()
    ended = False
    try:
        while True:
            item = items.get()
            if isinstance(item, _End):
                ended = True
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        closed.set()
        while not ended:
            ended = isinstance(items.get(), _End)
        thread.join()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
