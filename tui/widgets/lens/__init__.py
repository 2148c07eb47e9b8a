"""The lens: what a step weighed, stage by stage."""

from tui.widgets.lens.pane import LensPane

__all__ = ["LensPane"]
