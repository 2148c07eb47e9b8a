"""Texts and chats from elsewhere: plain text, and what the common chat programs export. Nothing in them is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from engine.conversation import ROLES, Turn, typed
from engine.errors import FileError, TranscriptError, shown
from engine.session.reading import parsed
from engine.session.record import open_record
from engine.session.standing import standing
from engine.text_files import LARGEST, read_text, shown_path

LARGEST_CHATS = 64_000_000
"""Bytes of a file of chats; of a plain text `engine.text_files.LARGEST`."""
_MOST_TURNS = 100_000

Kind = Literal["text", "transcript", "chatgpt", "sillytavern", "webui", "messages"]


@dataclass(frozen=True, slots=True)
class Imported:
    """One text or chat of a file. `turns` of a plain text is one of no role."""

    kind: Kind
    title: str
    turns: tuple[Turn, ...]

    @property
    def prompt(self) -> str:
        """The whole as a text to go on from: a chat line by line, each turn after its speaker's name."""
        if len(self.turns) == 1 and not self.turns[0].role:
            return self.turns[0].text
        return "\n\n".join(f"{turn.role.capitalize()}: {turn.text}" for turn in self.turns)

    @property
    def conversation(self) -> str:
        """The whole as the prompt of a chat. Raises `FileError` where others speak in it than user and assistant."""
        strange = next((turn.role for turn in self.turns if turn.role not in (*ROLES, "")), None)
        if strange is not None:
            raise FileError(
                f"{shown(strange)} speaks in it, and a chat is between user and assistant: leave out --chat"
            )
        return typed(replace(turn, role=turn.role or "user") for turn in self.turns)


def imported(path: Path) -> list[Imported]:
    """What is in a file, by what it looks like. Raises `FileError` for what cannot be read or holds nothing."""
    text = read_text(path, LARGEST_CHATS)
    found = _transcript(path, text) or _chats(text)
    found = [each for each in found if any(turn.text.strip() for turn in each.turns)]
    if found:
        return found
    if text.lstrip()[:1] in ("{", "[") and _is_json(text):
        raise FileError(f"{shown_path(path)}: JSON, but no chat in a form that is known")
    if len(text) > LARGEST:
        raise FileError(f"{shown_path(path)}: larger than the {LARGEST // 1_000_000} MB that are taken of a text")
    if not text.strip():
        raise FileError(f"{shown_path(path)}: there is nothing in it")
    return [Imported("text", path.stem, (Turn("", text),))]


def _transcript(path: Path, text: str) -> list[Imported]:
    if not text.startswith('{"event": '):
        return []
    try:
        found = standing(open_record(path))
    except TranscriptError:
        return []
    turns = [(Turn("", found.prompt + written),) for written in found.texts() or [""]]
    return [Imported("transcript", found.prompt[:60], turn) for turn in turns]


def _chats(text: str) -> list[Imported]:
    try:
        data = json.loads(text)
    except RecursionError:
        return []
    except ValueError:
        return _sillytavern(text)
    return next((found for reader in _READERS if (found := list(reader(data)))), [])


def _messages(data: Any) -> Iterator[Imported]:
    """A list of role and content, alone or under `messages`, or a list of such."""
    for each in data if isinstance(data, list) and not _is_message(data[0] if data else None) else [data]:
        title = _text(each.get("title")) if isinstance(each, dict) else ""
        items = each.get("messages") if isinstance(each, dict) else each
        if isinstance(items, list) and any(map(_is_message, items)):
            turns = tuple(_said(item) for item in items[:_MOST_TURNS] if _is_message(item))
            yield Imported("messages", title, turns)


def _chatgpt(data: Any) -> Iterator[Imported]:
    """conversations.json: each a tree of messages, of which the branch that was last shown counts."""
    for each in data if isinstance(data, list) else [data]:
        nodes = each.get("mapping") if isinstance(each, dict) else None
        if not isinstance(nodes, dict):
            continue
        turns: list[Turn] = []
        place, seen = each.get("current_node"), set()
        while isinstance(place, str) and place not in seen and isinstance(nodes.get(place), dict):
            seen.add(place)
            message = nodes[place].get("message")
            if isinstance(message, dict) and (turn := _chatgpt_turn(message)):
                turns.append(turn)
            place = nodes[place].get("parent")
        yield Imported("chatgpt", _text(each.get("title")), tuple(reversed(turns)))


def _chatgpt_turn(message: dict[str, Any]) -> Turn | None:
    author, content = message.get("author"), message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    text = "".join(part for part in parts if isinstance(part, str)) if isinstance(parts, list) else ""
    role = _text(author.get("role")) if isinstance(author, dict) else ""
    return Turn(role or "user", text) if text.strip() and role != "system" else None


def _webui(data: Any) -> Iterator[Imported]:
    """text-generation-webui: pairs of what was said and answered, as the model saw them (`internal`)."""
    pairs = data.get("internal", data.get("visible")) if isinstance(data, dict) else None
    turns: list[Turn] = []
    for pair in pairs[:_MOST_TURNS] if isinstance(pairs, list) else ():
        if isinstance(pair, list) and len(pair) == 2:
            texts = zip(("user", "assistant"), map(_text, pair), strict=True)
            turns += [Turn(role, text) for role, text in texts if text and text != "<|BEGIN-VISIBLE-CHAT|>"]
    if turns:
        yield Imported("webui", "", tuple(turns))


def _sillytavern(text: str) -> list[Imported]:
    """JSON lines: who they are, then what each said (`mes`)."""
    turns: list[Turn] = []
    title = ""
    for line in text.split("\n")[: _MOST_TURNS + 1]:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            if line.strip() and not turns:
                return []  # a text, not JSON lines
            continue
        if not isinstance(item, dict):
            return []
        title = title or _text(item.get("character_name"))
        if _text(item.get("mes")):
            turns.append(Turn(_text(item.get("name")) or ("user" if item.get("is_user") else "assistant"), item["mes"]))
        elif _is_message(item):
            turns.append(_said(item))
    return [Imported("sillytavern", title, tuple(turns))] if turns else []


_READERS: tuple[Callable[[Any], Iterator[Imported]], ...] = (_chatgpt, _webui, _messages)


def _is_message(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("role"), str) and "content" in item


def _said(item: dict[str, Any]) -> Turn:
    """The content is a text, or a list of parts of which some are."""
    content = item["content"]
    if isinstance(content, list):
        content = "".join(_text(part.get("text")) if isinstance(part, dict) else _text(part) for part in content)
    return Turn(item["role"], _text(content))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return parsed(text.split("\n", 1)[0].encode(errors="replace")) is not None
    return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
