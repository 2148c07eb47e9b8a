"""A record as text of another kind: Markdown, plain, JSON, HTML."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.conversation import gap
from engine.events import Failed, Finished
from engine.safe_text import safe_text
from engine.session.format import VERSION
from engine.session.html import html
from engine.session.markdown import Origin, markdown
from engine.session.record import Record, RecordedRun
from engine.session.standing import Standing, standing


def said_by(found: Standing) -> str:
    """The line that says that a model wrote it."""
    name = found.run.model_name if found.run else ""
    return f"Written with a language model{f', {safe_text(name)}' if name else ''}."


def as_markdown(record: Record, say_model: bool = False) -> str:
    """What stands at the end, with how it came about at its head."""
    found = standing(record)
    pieces = [
        [("prompt", found.prompt), *((part.kind, part.text) for part in parts)] for parts in found.sequences or [[]]
    ]
    text = markdown(_origin(found.run), found.settings, pieces)
    return f"{text}\n*{said_by(found).replace('*', '')}*\n" if say_model else text


def as_text(record: Record, say_model: bool = False) -> str:
    """What stands at the end, and nothing else; several sequences one after the other, each under a line."""
    found = standing(record)
    texts = found.texts() or [""]
    begun = found.prompt + (gap(found.prompt, found.run.settings) if found.run else "")
    if len(texts) == 1:
        parts = [begun + texts[0]]
    else:
        parts = [f"=== {number} of {len(texts)} ===\n{begun}{text}" for number, text in enumerate(texts, 1)]
    return "\n\n".join([*parts, *([said_by(found)] if say_model else [])]) + "\n"


def as_html(record: Record, say_model: bool = False) -> str:
    """What stands at the end, each token by its probability."""
    found = standing(record)
    origin = _origin(found.run)
    facts = {
        "model": origin.model,
        "date": origin.time.isoformat(timespec="seconds"),
        "device": origin.device,
        "dtype": origin.dtype,
        "strategy": found.settings.strategy,
        "seed": str(found.settings.seed),
    }
    return html(found, [(name, value) for name, value in facts.items() if value], said_by(found) if say_model else "")


def as_json(record: Record, say_model: bool = False) -> str:
    """One document: every run with its tokens, the lines between them, and what stands at the end."""
    found = standing(record)
    document: dict[str, Any] = {
        "version": VERSION,
        "entries": [
            {"run": _run(entry)} if isinstance(entry, RecordedRun) else dict(entry) for entry in record.entries
        ],
        "standing": {"prompt": found.prompt, "texts": found.texts()},
        "trouble": record.trouble,
    }
    if say_model:
        document["note"] = said_by(found)
    return json.dumps(document, ensure_ascii=False) + "\n"


KINDS: dict[str, Callable[[Record, bool], str]] = {
    "md": as_markdown,
    "txt": as_text,
    "html": as_html,
    "json": as_json,
}
"""What each kind of export makes of a record; the last argument is whether to say that a model wrote it."""


def _run(run: RecordedRun) -> dict[str, Any]:
    outcome = run.outcome
    ends = outcome.sequences if isinstance(outcome, Finished | Failed) else ()
    sequences = []
    for number, text in enumerate(run.texts()):
        tokens = [
            {
                "index": token.index,
                "id": token.id,
                "text": token.text,
                "logprob": token.logprob,
                "alternatives": [
                    {"id": other.id, "text": other.text, "logprob": other.logprob, "raw_logprob": other.raw_logprob}
                    for other in token.alternatives
                ],
            }
            for token in run.tokens.get(number, ())
        ]
        end = ends[number] if number < len(ends) else None
        finish = {"finish_reason": end.finish_reason, "score": end.score} if end else {}
        sequences.append({"text": text, **finish, "tokens": tokens})
    return {
        "model": run.model,
        "time": run.time,
        "how": run.how,
        "prompt": run.prompt,
        "prompt_token_ids": list(run.prepared.ids) if run.prepared else [],
        "settings": run.settings.to_dict(),
        "changes": [{"at": c.at, "name": c.name, "from": c.old, "to": c.new} for c in run.changes],
        "notes": [{"level": note.level, "code": note.code, "text": note.text} for note in run.notes],
        "error": outcome.error if isinstance(outcome, Failed) else None,
        "stopped": run.stopped,
        "sequences": sequences,
    }


def _origin(run: RecordedRun | None) -> Origin:
    if run is None:
        return Origin(datetime.now().astimezone())
    try:
        time = datetime.fromisoformat(run.time).astimezone()
    except (ValueError, OverflowError, OSError):
        time = datetime.fromtimestamp(0).astimezone()
    said = {name: value for name in ("family", "device", "dtype") if isinstance(value := run.model.get(name), str)}
    return Origin(time, model=run.model_name, **said)
