"""The card of a model: what its README says of its licence, its limits and of how it may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import FileError
from engine.text_files import read_text

LARGEST = 1_000_000
"""Bytes that a card may have."""
_LARGEST_HEAD = 20_000  # characters of the YAML at its head: the parser is slow
_MOST_BRACKETS = 300  # one in another takes it ever longer
_HEAD = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
# What a head that is too long for the parser, tables of results in it, is asked for alone.
_PLAIN = re.compile(r"^(license|license_name):[ \t]+([\w.+-]{1,100})[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_LIMITS = re.compile(
    r"\b(limit\w*|bias\w*|risk\w*|out[- ]of[- ]scope|misuse|intended use\w*|what for|what not|warnings?|safety|ethic\w*"
    r"|responsib\w*|what it is for\w*)\b",
    re.IGNORECASE,
)
_LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")


@dataclass(frozen=True, slots=True)
class Card:
    """`text` is the body in Markdown, `limits` its sections on use, limits and risks; raw text of unknown people."""

    licence: str = ""
    text: str = ""
    limits: str = ""


def card(place: Path | None) -> Card:
    """The card in a folder, or beside a .gguf file; an empty one where there is none.

    Beside a file may lie the README of anything, so there it counts as a card only with a head.
    """
    if place is None:
        return Card()
    folder = place if place.is_dir() else place.parent
    try:
        text = read_text(folder / "README.md", LARGEST)
    except FileError:
        text = ""
    if folder != place and not _HEAD.match(text):
        return Card()
    found = read_card(text)
    return found if found.licence or folder != place else replace(found, licence=_licence_file(folder))


def read_card(text: str) -> Card:
    """The card that a README is: YAML between two lines of hyphens at its head, and Markdown."""
    head, body = _parts(text)
    return Card(_licence(head), body.strip(), _limits(body))


def _parts(text: str) -> tuple[dict[str, Any], str]:
    found = _HEAD.match(text)
    if found is None:
        return {}, text
    body = text[found.end() :]
    if len(found[1]) > _LARGEST_HEAD or found[1].count("[") + found[1].count("{") > _MOST_BRACKETS:
        return dict(_PLAIN.findall(found[1])), body
    import yaml

    try:
        head = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return {}, body
    return (head if isinstance(head, dict) else {}), body


def _licence(head: dict[str, Any]) -> str:
    """The licence's short name; where that is `other`, the name that the card gives it."""
    value, own = head.get("license"), head.get("license_name")
    named = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    licence = ", ".join(named)[:100]
    return own[:100] if licence in ("", "other") and isinstance(own, str) else licence


def _licence_file(folder: Path) -> str:
    return next((f"see {name}" for name in _LICENCE_FILES if (folder / name).is_file()), "")


def _limits(body: str) -> str:
    """The sections whose heading speaks of limits, each up to the next heading of its rank."""
    headings = list(_HEADING.finditer(body))
    parts: list[str] = []
    end = 0
    for number, heading in enumerate(headings):
        if heading.start() < end or not _LIMITS.search(heading[2]):
            continue
        rank = len(heading[1])
        end = next((after.start() for after in headings[number + 1 :] if len(after[1]) <= rank), len(body))
        parts.append(body[heading.start() : end].strip())
    return "\n\n".join(parts)
