"""The format of a transcript, declared once: every line, its fields, what each means, since which version.

From here come the order in which the writer puts fields, what the reader takes, and the page in the docs. The version
goes up only where an older reader would misread a line; lines and fields may be added within one, since a reader
passes over what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1
LONGEST = 16_000_000
"""Bytes of a line that is read; a longer one is passed over. The ids of the longest prompt that a file may hold
(`engine.text_files.LARGEST`) take half of it."""
MOST_DRAWS = 10_000_000
"""A random stream passes over so many draws in a minute or two: more are no session's."""
_LARGEST = 2**63


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (isinstance(value, float) or abs(value) < _LARGEST)
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value) and value >= 0


KINDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "count": _is_count,
    "draws": lambda value: _is_count(value) and value <= MOST_DRAWS,
    "number": _is_number,
    "number or null": lambda value: value is None or _is_number(value),
    "flag": lambda value: isinstance(value, bool),
    "ids": lambda value: isinstance(value, list) and all(map(_is_count, value)),
    "texts": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "any": lambda _: True,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a line: its kind (of `KINDS`), what it means, whether every such line has it."""

    name: str
    kind: str
    help: str
    needed: bool = True
    since: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a transcript."""

    event: str
    help: str
    fields: tuple[Field, ...]
    since: int = 1


def _maybe(name: str, kind: str, help: str) -> Field:
    return Field(name, kind, help, needed=False)


_AT = Field("at", "count", "The new token of the run, from 0, before which it happened.")
_INDEX = Field("index", "count", "The new token of the run, from 0.")
_STANDING = (Field("prompt", "text", "The prompt that stands now."), Field("texts", "texts", "What follows it now."))
_SEQUENCE = Field("sequence", "count", "The sequence, from 0.")
_ENDS = "Of each sequence, an object: `text`, `finish_reason`, `score` (of a beam, else null), `drawn` (draws of its "
_ENDS += "random stream so far), `halved` (whether the text ends within a character)."

_LINES = (
    Line(
        "run",
        "A run begins: what generated, from what, under which settings. All that follows is of this run.",
        (
            Field("version", "count", "The version of the format."),
            _maybe("time", "text", "When, in ISO 8601."),
            Field(
                "model",
                "object",
                "`name`, `source`, `family`, `type`, `parameters`, `device`, `dtype`, `versions` of the libraries, "
                "`weights` and `files` (SHA-256 of the weights, and of config and tokenizer), `revision` (of the "
                "hub), `threads`, `python`, `platform`, `adapters` (of each that the settings name: `name`, `source`, "
                "and the SHA-256 of its `weights` and `config`).",
            ),
            Field("settings", "object", "Every setting by its name."),
            Field("seed", "count", "Where the random numbers start: also among the settings."),
            Field("prompt", "text", "The text that the run went on from, as it was shown."),
            _maybe(
                "how",
                "text",
                "`new` from the prompt, `on` from where a sequence stopped, `anew` the last again, `picked` on with "
                "a token that a person picked; `compare` beside the text, which it leaves as it is, and on caches of "
                "its own that held nothing.",
            ),
            _maybe("fresh", "flag", "Whether the model had computed nothing since it was loaded."),
            _maybe("drawn", "draws", "How many draws of the random stream lie before it."),
            _maybe("sequence", "count", "The sequence that it goes on from, and in whose place it is shown."),
            _maybe("at", "count", "Where it was `picked`: how many of the tokens in the sequence's text stay."),
        ),
    ),
    Line(
        "prepared",
        "The prompt as the model gets it.",
        (
            Field("text", "text", "The text, with what the model's family put before it."),
            Field("ids", "ids", "Its tokens."),
            _maybe("tail", "list", "What the ids lack of the text, to be said again: text, cuts, characters."),
        ),
    ),
    Line(
        "note",
        "Something that the reader should know.",
        (
            Field("level", "text", "`info`, `warning` or `error`."),
            Field("code", "text", "For programs."),
            Field("text", "text", "For people."),
        ),
    ),
    Line(
        "prefill",
        "The prompt has gone through the model.",
        (
            Field("tokens", "count", "How many there are in the model's sight."),
            Field("reused", "count", "How many of them were in the cache."),
            Field("seconds", "number", "What it took."),
        ),
    ),
    Line(
        "token",
        "A new token of a sequence.",
        (
            _SEQUENCE,
            _INDEX,
            Field("id", "count", "The token."),
            Field("text", "text", "What it adds to the text: nothing where a character is not whole yet."),
            Field("logprob", "number", "Its natural log-probability, of the distribution that it was taken from."),
            _maybe("alternatives", "list", "What could have come: lists of id, text, log-probability and raw one."),
            _maybe("special", "flag", "Whether it stands for no text, as an end does; absent for false."),
            _maybe("picked", "flag", "Whether a person picked it: the log-probability is then the model's own."),
            _maybe(
                "numbers", "list", "In the model's own distribution: log-probability, rank from 1, entropy in bits."
            ),
            _maybe("seconds", "number", "Since the run began, pauses counted."),
        ),
    ),
    Line(
        "beams",
        "How the beams stand after a step; each list has the best first.",
        (
            _INDEX,
            Field("settled", "count", "How many new tokens all have in common: these were told as tokens."),
            Field("running", "list", "Objects: `text` beyond what is settled, `score`, `group`, maybe `reason`."),
            _maybe("finished", "list", "The same of those that have ended."),
            _maybe("fallen", "list", "The same of those that none goes on from."),
        ),
    ),
    Line(
        "layer",
        "The early layer that DoLa set against the last one.",
        (
            _SEQUENCE,
            _INDEX,
            Field("layer", "count", "The layer."),
            _maybe("layers", "ids", "Of which it could choose."),
        ),
    ),
    Line(
        "candidates",
        "What contrastive search weighed.",
        (
            _INDEX,
            Field("chosen", "count", "The token that it took."),
            Field("candidates", "list", "Lists of id, text, probability and likeness to what is there."),
        ),
    ),
    Line(
        "drafted",
        "What assisted decoding drafted from a token on.",
        (
            _INDEX,
            Field("ids", "ids", "The tokens."),
            Field("texts", "texts", "Their texts."),
            Field("accepted", "count", "How many of them came."),
            Field("source", "text", "What drafted."),
        ),
    ),
    Line(
        "change",
        "A setting took a new value; the token is the first to obey it.",
        (
            _AT,
            Field("name", "text", "The setting."),
            Field("from", "any", "Its value before."),
            Field("to", "any", "Its value from there on."),
        ),
    ),
    Line(
        "adapters",
        "The model wears other adapters from a token on than before; the setting says how much.",
        (_AT, Field("adapters", "list", "Objects, as the run's `model` has them.")),
    ),
    Line(
        "forgot",
        "So much of a sequence is out of the model's sight.",
        (
            _SEQUENCE,
            _AT,
            Field("tokens", "count", "How many tokens, the prompt's included."),
            _maybe("until", "number", "Up to this character of the run's new text; below 0, so many before its begin."),
            _maybe("head", "count", "So many characters at the prompt's beginning stay in sight."),
        ),
    ),
    Line("pause", "The run is held.", (_AT,)),
    Line("resume", "The run is let go on, or a step.", (_AT,)),
    Line("stop", "The run was ended by hand: the token did not come.", (_AT,)),
    Line(
        "finish",
        "The run has ended as it should.",
        (
            Field("sequences", "list", _ENDS),
            Field("timing", "object", "`prefill_s` and `decode_s` in seconds, `tokens` of all sequences."),
        ),
    ),
    Line(
        "failed",
        "The run could not go on.",
        (Field("error", "text", "Why, in one line."), _maybe("sequences", "list", "As in `finish`.")),
    ),
    Line(
        "edit",
        "What follows the prompt in a sequence was made this text by hand.",
        (
            _SEQUENCE,
            Field("text", "text", "The text."),
            _maybe("at", "count", "Where it was typed in the place of a token: how many of the tokens stay before it."),
        ),
    ),
    Line(
        "rewind",
        "A sequence was taken back to before one of the tokens in its text.",
        (_SEQUENCE, Field("at", "count", "How many of the tokens in its text stay."), *_STANDING),
    ),
    Line(
        "take",
        "What a run beside the text wrote became the text.",
        (
            *_STANDING,
            _maybe("name", "text", "What it was called among those that were compared."),
            _maybe("settings", "object", "Every setting of that run by its name: they are the settings from here on."),
        ),
    ),
    Line(
        "keep",
        "One sequence was kept, and the others put away.",
        (
            Field("sequence", "count", "The one that was kept, as it was counted before."),
            *_STANDING,
        ),
    ),
    Line(
        "undo",
        "A step was taken back.",
        _STANDING,
    ),
    Line(
        "redo",
        "A step was brought back.",
        _STANDING,
    ),
    Line(
        "import",
        "A text from elsewhere was taken over.",
        (
            Field("prompt", "text", "The prompt that stands now."),
            Field("texts", "texts", "What follows it now."),
            _maybe("title", "text", "What it was called there."),
            _maybe("source", "text", "What kind of file it was in."),
        ),
    ),
    Line(
        "end",
        "The session was left. Where the last line is another, it was cut off.",
        (_maybe("declined", "flag", "Written later, by somebody who did not want to go on from it."),),
    ),
    Line(
        "copied",
        "What stands above was copied from another transcript, or from its beginning; what follows went on from there.",
        (
            Field("from", "text", "The path of that one."),
            _maybe("whole", "flag", "False where it could not be copied, and what stood there is missing here."),
        ),
    ),
    Line(
        "branch",
        "A branch was gone to, named, put out of sight or brought back; no text was lost by any of it.",
        (
            Field("what", "text", "`taken`, `named`, `hidden` or `shown`."),
            Field("prompt", "text", "The prompt of the branch."),
            _SEQUENCE,
            Field("text", "text", "What follows the prompt in the branch."),
            _maybe("name", "text", "Where it was `named`: the name, nothing where it has none any more."),
            _maybe("texts", "texts", "Where it was `taken`: what follows the prompt now, sequence by sequence."),
        ),
    ),
    Line(
        "lost",
        "Here lines are missing: for long nothing could be written, and no more was kept in memory.",
        (Field("lines", "count", "How many."),),
    ),
)
LINES: dict[str, Line] = {line.event: line for line in _LINES}


def ordered(event: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it is written: its event, the fields in the order of their declaration, then any others."""
    line = LINES.get(event)
    names = [field.name for field in line.fields if field.name in fields] if line else []
    return {"event": event} | {name: fields[name] for name in names} | dict(fields)


def problem(line: Mapping[str, Any]) -> str:
    """What is wrong with a line, by its declaration; nothing where it is right, or is none that is known."""
    event = line.get("event")
    declared = LINES.get(event) if isinstance(event, str) else None
    for field in declared.fields if declared else ():
        if field.name not in line:
            if field.needed:
                return f"{event}: no {field.name}"
        elif not KINDS[field.kind](line[field.name]):
            return f"{event}: {field.name} is no {field.kind}"
    return ""
