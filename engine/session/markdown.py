"""What was written as Markdown: how it came about, the prompt, and what followed, shown by any reader as it was.

Every sign that Markdown would obey is escaped, and so is what a terminal would; the raw text is in the transcript.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from engine.safe_text import safe_block, safe_text
from engine.settings import PARAMETERS, Settings

Pieces = Iterable[tuple[str, str]]
"""(kind, text): `prompt`, `mark` for a label of what happened there, `human` for what a person put in, and what the
model wrote under any other name."""

_OBEYED = re.compile(r"[\\`*_\[\]<>#|~&$]")
_OBEYED_FIRST = re.compile(r"^( *)(\d{1,9}(?=[.)])|(?=[-+=]))", re.MULTILINE)
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}


@dataclass(frozen=True, slots=True)
class Origin:
    """When it was written, and by what."""

    time: datetime
    model: str = ""
    family: str = ""
    device: str = ""
    dtype: str = ""


def markdown(origin: Origin, settings: Settings, sequences: Sequence[Pieces]) -> str:
    """A file with everything: front matter in YAML, the prompt once, each sequence under a heading of its own."""
    parts = [_front_matter(origin, settings)]
    several = len(sequences) > 1
    for number, pieces in enumerate(sequences):
        prompt, written = _told_apart(pieces)
        if not number:
            parts.append(f"## Prompt\n\n{prompt}")
        title = f"Written, {number + 1} of {len(sequences)} (seed {settings.seed + number})" if several else "Written"
        parts.append(f"## {title}\n\n{written}")
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def file_name(text: str) -> str:
    """A file's name from the first words of a text, safe on any system: `the-old-king.md`."""
    words = re.findall(r"[^\W_]+", text[:200].lower())
    name = ""
    for word in words[:6]:
        longer = f"{name}-{word}" if name else word
        if len(longer) > 40:
            break
        name = longer
    name = name or (words[0][:40] if words else "untitled")
    return f"{name}-text.md" if name in _RESERVED else f"{name}.md"


def _front_matter(origin: Origin, settings: Settings) -> str:
    facts = {
        "date": origin.time.isoformat(timespec="seconds"),
        "model": origin.model,
        "family": origin.family,
        "device": origin.device,
        "dtype": origin.dtype,
    }
    # JSON is YAML too, and what is not ASCII is escaped in it.
    lines = [f"{name}: {json.dumps(value)}" for name, value in facts.items() if value]
    lines.append(f"seed: {settings.seed}")
    values = settings.to_dict()
    changed = [name for name in settings.differences(Settings()) if name != "seed"]
    if changed:
        lines += ["settings:", *(f"  {name}: {json.dumps(values[name])}" for name in PARAMETERS if name in changed)]
    return "\n".join(["---", *lines, "---"])


def _told_apart(pieces: Pieces) -> tuple[str, str]:
    """The prompt, and what follows it: marks small, what a person put in underlined."""
    prompt, written = "", ""
    for kind, group in groupby(pieces, key=lambda piece: piece[0]):
        texts = [text for _, text in group]
        if kind == "mark":
            written += "".join(f"{_MARK}{_held(safe_text(text))}{_END}" for text in texts)
        elif kind == "prompt":
            prompt += _held("".join(texts))
        else:
            text = _held("".join(texts))
            written += _inserted(text) if kind == "human" else text
    return _prose(prompt), _prose(written)


# Tags are put in before the text is escaped, as characters that nothing untrusted can hold by then.
_MARK, _END, _INSERT, _INSERTED = "\ue000", "\ue001", "\ue002", "\ue003"
_TAGS = str.maketrans({_MARK: "<sub>", _END: "</sub>", _INSERT: "<ins>", _INSERTED: "</ins>"})


def _held(text: str) -> str:
    """Untrusted text without the characters that stand for tags, and without any that a terminal obeys."""
    return safe_block(re.sub("[\ue000-\ue003]", "\ufffd", text))


def _inserted(text: str) -> str:
    """Underlined, paragraph by paragraph: a tag must not reach over the end of one."""
    return re.sub(r"[^\n]+", lambda line: f"{_INSERT}{line[0]}{_INSERTED}", text)


def _prose(text: str) -> str:
    """Text that a Markdown reader shows as it is, line for line."""
    text = _OBEYED.sub(r"\\\g<0>", text)
    text = _OBEYED_FIRST.sub(r"\1\2\\", text)
    lines = [_indented(line, first=not number) for number, line in enumerate(text.split("\n"))]
    broken = [
        f"{line}\\" if line.strip(" ") and after.strip(" ") else line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    ]
    return "\n".join(broken).translate(_TAGS)


def _indented(line: str, first: bool) -> str:
    """Spaces at the beginning would be lost, or make it code. One before the first word is its token's: it may be."""
    text = line.lstrip(" ")
    spaces = len(line) - len(text)
    return line if not text or (first and spaces == 1) else "&nbsp;" * spaces + text
