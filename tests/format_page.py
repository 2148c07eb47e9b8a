"""The page of the transcript's format, made from its declaration. `python -m tests.format_page` writes it."""

from __future__ import annotations

from engine.session.format import LINES, LONGEST, VERSION, Field
from tests.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "transcript-format.md"

_HEAD = f"""# The transcript's format, version {VERSION}

A transcript is a file of JSON lines in UTF-8: each line is an object whose first key, `event`, says what
happened. Lines are only ever appended, each as soon as it happened. A `run` line begins a run, and what follows
is of that run until the next one. The raw text is kept, JSON-escaped: who shows it makes it safe.

A reader passes over lines and fields that it does not know, over lines that are no JSON, over a last line that
was cut short, and over a line of more than {LONGEST:,} bytes. New lines and fields may come within a version;
the version goes up only where an older reader would misread a file. Every version is read for ever.

To play a run again take the model of the `run` line, the ids of `prepared`, the settings, each `change` at its
token, and end before the token of `stop`; where a sequence's `finish_reason` is `time`, its last token is the
last whatever the clock says. A run that is not `fresh` finds in the model's cache what the runs before it left
there.

"""


def page() -> str:
    """The whole page."""
    return _HEAD + "\n\n".join(
        f"## `{line.event}`\n\n{line.help}\n\n| field | takes | | since | meaning |\n| --- | --- | --- | --- | --- |\n"
        + "\n".join(map(_row, line.fields))
        for line in LINES.values()
    ) + "\n"  # fmt: skip


def _row(field: Field) -> str:
    needed = "" if field.needed else "may be absent"
    return f"| `{field.name}` | {field.kind} | {needed} | {field.since} | {field.help} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
