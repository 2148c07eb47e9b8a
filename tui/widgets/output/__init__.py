"""The output: streamed text of a language model, drawn line by line, in one view or several."""

from tui.widgets.output.columns import Columns
from tui.widgets.output.view import OutputView

__all__ = ["Columns", "OutputView"]
