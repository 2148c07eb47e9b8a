"""A terminal that swallows everything: frames are encoded down to their escape sequences, and go nowhere.

Textual's own headless driver leaves that last step out, and it is a good part of what a frame costs.
"""

from __future__ import annotations

import os
import time

from textual.drivers.headless_driver import HeadlessDriver

AWAITED = "TEXTGEN_TUI_BENCHMARK_AWAITS"


class SwallowingDriver(HeadlessDriver):
    """Takes a real driver's place."""

    @property
    def is_headless(self) -> bool:
        return False


class FirstFrameDriver(SwallowingDriver):
    """Ends the process at the first frame that holds the awaited text, and tells when that was."""

    def write(self, data: str) -> None:
        if os.environ[AWAITED] in data:
            # Standard output is the app's by now, and a worker may be importing torch: neither is waited for.
            os.write(1, repr(time.time()).encode())
            os._exit(0)
