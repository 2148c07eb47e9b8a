"""The output view: streamed text of a language model, drawn line by line."""

from tui.widgets.output.view import OutputView

__all__ = ["OutputView"]
