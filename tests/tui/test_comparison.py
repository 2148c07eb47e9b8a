"""Whatever two runs write: a mark stands where they part, and without it each text is what its run wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from engine.comparison import Variant
from engine.events import Event, Finished, Prepared, Timing, Token
from engine.events import Sequence as Ended
from engine.settings import Settings
from tui.comparison import Comparison
from tui.pieces import Piece, text_of

PROMPT = "p"
texts = st.lists(st.sampled_from(["a", "b", "ab", "", "[c]", "\n"]), max_size=6)


def events(tokens: Sequence[str]) -> Iterator[Event]:
    """What a run of these tokens tells; equal tokens have equal ids."""
    yield Prepared(PROMPT, (1,))
    ids = tuple(hash(text) % 1000 for text in tokens)
    for index, (token_id, text) in enumerate(zip(ids, tokens, strict=True)):
        yield Token(0, index, token_id, text, -1.0)
    yield Finished((Ended(ids, "".join(tokens), (-1.0,) * len(ids), "length", None, len(ids)),), Timing(0, 0, len(ids)))


@given(st.lists(texts, min_size=2, max_size=4))
def test_the_marks_stand_where_the_texts_part_from_the_first_token_on(written: list[list[str]]) -> None:
    comparison = Comparison([Variant(str(n), Settings(seed=n)) for n in range(len(written))], PROMPT)
    shown: list[list[Piece]] = [[] for _ in written]
    for place, tokens in enumerate(written):
        for event in events(tokens):
            added, anew = comparison.hear(place, event)
            for number in anew:
                shown[number] = comparison.pieces(number)
            for number, text, kind in added:
                shown[number].append(Piece(kind, text))
            assert text_of(shown[place]) == text_of(comparison.sides[place].session.pieces(0) or [])
            marks = [piece for piece in shown[place] if piece.kind == "mark"]
            assert len(marks) <= 1
    first = "".join(written[0])
    partings = []
    for place, tokens in enumerate(written[1:], 1):
        text, side = "".join(tokens), comparison.sides[place]
        assert text_of(shown[place]) == PROMPT + text and text_of(shown[0]) == PROMPT + first
        if side.parts is None:
            assert text == first
            continue
        partings.append(side.parts)
        assert first[: side.parts] == text[: side.parts]
        shared = next((n for n, (a, b) in enumerate(zip(first, text, strict=False)) if a != b), None)
        assert side.parts <= (min(len(first), len(text)) if shared is None else shared)
        at = next(n for n, piece in enumerate(shown[place]) if piece.kind == "mark")
        assert text_of(shown[place][:at]) == PROMPT + text[: side.parts]
    assert bool(partings) == any(piece.kind == "mark" for piece in shown[0])
    if partings:
        at = next(n for n, piece in enumerate(shown[0]) if piece.kind == "mark")
        assert text_of(shown[0][:at]) == PROMPT + first[: min(partings)]
