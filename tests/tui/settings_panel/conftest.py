"""What all tests of the panel need."""

from __future__ import annotations

import pytest

from tui.widgets.settings_panel import panel


@pytest.fixture(autouse=True)
def marks_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark goes when a test takes it away, not when a clock does."""
    monkeypatch.setattr(panel, "MARK_SECONDS", 3600.0)
