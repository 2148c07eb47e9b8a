"""Events as lines of a transcript, and lines as events again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from engine.events import (
    Adapted,
    Alternative,
    Beam,
    Beams,
    Candidate,
    Changed,
    Compared,
    Contrasted,
    Drafted,
    Event,
    Failed,
    Finished,
    FinishReason,
    Forgot,
    Level,
    Note,
    Noted,
    Numbers,
    Prefilled,
    Prepared,
    Sequence,
    Stopped,
    Tail,
    Timing,
    Token,
)
from engine.session.format import KINDS, problem

Fields = dict[str, Any]


def as_lines(event: Event) -> list[tuple[str, Fields]]:
    """The transcript's lines for one event: (name, fields)."""
    match event:
        case Prepared(text, ids, notes, tail):
            prepared: Fields = {"text": text, "ids": list(ids)}
            if tail:
                prepared["tail"] = [tail.text, list(tail.cuts), tail.surplus]
            return [("prepared", prepared), *(("note", _note(note)) for note in notes)]
        case Noted(note):
            return [("note", _note(note))]
        case Prefilled(tokens, reused, seconds):
            return [("prefill", {"tokens": tokens, "reused": reused, "seconds": round(seconds, 6)})]
        case Token():
            fields: Fields = {"sequence": event.sequence, "index": event.index, "id": event.id, "text": event.text}
            fields["logprob"] = event.logprob
            if event.alternatives:
                fields["alternatives"] = [[a.id, a.text, a.logprob, a.raw_logprob] for a in event.alternatives]
            if event.special:
                fields["special"] = True
            if event.picked:
                fields["picked"] = True
            if event.numbers:
                fields["numbers"] = [event.numbers.logprob, event.numbers.rank, event.numbers.entropy]
            return [("token", fields)]
        case Beams():
            lists = {"finished": event.finished, "fallen": event.fallen}
            more = {name: [_beam(beam) for beam in beams] for name, beams in lists.items() if beams}
            running = [_beam(beam) for beam in event.running]
            return [("beams", {"index": event.index, "settled": event.settled, "running": running, **more})]
        case Contrasted(index, sequence, layer, layers):
            return [("layer", {"sequence": sequence, "index": index, "layer": layer, "layers": list(layers)})]
        case Compared(index, chosen, candidates):
            weighed = [[c.id, c.text, c.confidence, c.penalty] for c in candidates]
            return [("candidates", {"index": index, "chosen": chosen, "candidates": weighed})]
        case Drafted(index, ids, texts, accepted, source):
            drafted = {"index": index, "ids": list(ids), "texts": list(texts), "accepted": accepted, "source": source}
            return [("drafted", drafted)]
        case Changed(at, name, old, new):
            return [("change", {"at": at, "name": name, "from": old, "to": new})]
        case Adapted(at, adapters):
            return [("adapters", {"at": at, "adapters": [dict(adapter) for adapter in adapters]})]
        case Forgot(sequence, at, tokens, until, head):
            return [("forgot", {"sequence": sequence, "at": at, "tokens": tokens, "until": until, "head": head})]
        case Stopped(at):
            return [("stop", {"at": at})]
        case Finished(sequences, timing):
            times = {"prefill_s": round(timing.prefill_s, 6), "decode_s": round(timing.decode_s, 6)}
            return [("finish", {"sequences": list(map(_end, sequences)), "timing": times | {"tokens": timing.tokens}})]
        case Failed(error, sequences):
            return [("failed", {"error": error} | ({"sequences": list(map(_end, sequences))} if sequences else {}))]
        case _:
            return []


def event_of(line: Mapping[str, Any], tokens: Mapping[int, Iterable[Token]] | None = None) -> Event | None:
    """The event that a line tells of; None for a line that is no run's event, is not known or is not right.

    A prompt's notes come as events of their own. `tokens` are those of each sequence, for the end of a run, whose line
    does not repeat them.
    """
    if problem(line):
        return None
    try:
        return _event(line, tokens or {})
    except (TypeError, ValueError, KeyError):  # within a list or an object
        return None


def _event(line: Mapping[str, Any], tokens: Mapping[int, Iterable[Token]]) -> Event | None:
    match line.get("event"):
        case "prepared":
            tail = _tail(line["tail"]) if "tail" in line else None
            return Prepared(line["text"], tuple(line["ids"]), tail=tail)
        case "note":
            return Noted(Note(_one_of(line["level"], Level), line["code"], line["text"]))
        case "prefill":
            return Prefilled(line["tokens"], line["reused"], line["seconds"])
        case "token":
            others = tuple(Alternative(*_row(row)) for row in line.get("alternatives", ()))
            key = line["sequence"], line["index"], line["id"], line["text"], line["logprob"]
            numbers = _numbers(line["numbers"]) if "numbers" in line else None
            return Token(*key, others, line.get("special", False), line.get("picked", False), numbers)
        case "beams":
            lists = (tuple(map(_beam_of, line.get(name, ()))) for name in ("running", "finished", "fallen"))
            return Beams(line["index"], line["settled"], *lists)
        case "layer":
            return Contrasted(line["index"], line["sequence"], line["layer"], tuple(line.get("layers", ())))
        case "candidates":
            weighed = tuple(Candidate(*_row(row)) for row in line["candidates"])
            return Compared(line["index"], line["chosen"], weighed)
        case "drafted":
            return Drafted(line["index"], tuple(line["ids"]), tuple(line["texts"]), line["accepted"], line["source"])
        case "change":
            return Changed(line["at"], line["name"], line["from"], line["to"])
        case "adapters":
            return Adapted(line["at"], tuple(map(_adapter, line["adapters"])))
        case "forgot":
            until = line.get("until", 0)
            return Forgot(line["sequence"], line["at"], line["tokens"], int(until), line.get("head", 0))
        case "stop":
            return Stopped(line["at"])
        case "finish":
            times = line["timing"]
            prefill_s, decode_s = (float(_of_kind("number", times[name])) for name in ("prefill_s", "decode_s"))
            timing = Timing(prefill_s, decode_s, _count(times, "tokens"))
            return Finished(_ends(line["sequences"], tokens), timing)
        case "failed":
            return Failed(line["error"], _ends(line.get("sequences", ()), tokens))
    return None


def _adapter(fields: Any) -> dict[str, str]:
    return {_of_kind("text", name): _of_kind("text", value) for name, value in _of_kind("object", fields).items()}


def _note(note: Note) -> Fields:
    return {"level": note.level, "code": note.code, "text": note.text}


def _beam(beam: Beam) -> Fields:
    fields: Fields = {"text": beam.text, "score": beam.score, "group": beam.group}
    return fields | ({"reason": beam.reason} if beam.reason else {})


def _beam_of(fields: Any) -> Beam:
    reason = _one_of(fields["reason"], FinishReason) if "reason" in fields else None
    score = float(_of_kind("number", fields["score"]))
    return Beam((), _of_kind("text", fields["text"]), score, _count(fields, "group"), reason)


def _end(sequence: Sequence) -> Fields:
    return {
        "text": sequence.text,
        "finish_reason": sequence.finish_reason,
        "score": sequence.score,
        "drawn": sequence.drawn,
        "halved": sequence.halved,
    }


def _ends(ends: Iterable[Any], tokens: Mapping[int, Iterable[Token]]) -> tuple[Sequence, ...]:
    found = []
    for number, end in enumerate(ends):
        own = list(tokens.get(number, ()))
        found.append(
            Sequence(
                tuple(token.id for token in own),
                _of_kind("text", end["text"]),
                tuple(token.logprob for token in own),
                _one_of(end["finish_reason"], FinishReason),
                _of_kind("number or null", end.get("score")),
                _of_kind("draws", end["drawn"]) if "drawn" in end else len(own),
                _of_kind("flag", end.get("halved", False)),
            )
        )
    return tuple(found)


def _row(row: Any) -> tuple[int, str, float, float]:
    token_id, text, first, second = row
    numbers = float(_of_kind("number", first)), float(_of_kind("number", second))
    return _of_kind("count", token_id), _of_kind("text", text), *numbers


def _tail(row: Any) -> Tail:
    text, cuts, surplus = row
    return Tail(_of_kind("text", text), tuple(_of_kind("ids", cuts)), _of_kind("count", surplus))


def _numbers(row: Any) -> Numbers:
    logprob, rank, entropy = row
    numbers = float(_of_kind("number", logprob)), _of_kind("count", rank), float(_of_kind("number", entropy))
    return Numbers(*numbers)


def _count(fields: Mapping[str, Any], name: str) -> int:
    return int(_of_kind("count", fields.get(name, 0)))


def _of_kind(kind: str, value: Any) -> Any:
    if not KINDS[kind](value):
        raise ValueError(kind)
    return value


def _one_of(value: Any, names: Any) -> Any:
    if value not in get_args(names):
        raise ValueError(value)
    return value
