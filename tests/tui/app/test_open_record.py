"""Going on from a record: what is restored is what was left, and what comes then is what would have come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.session.library import Library
from engine.session.reading import read
from tests.models import saved, tiny_gpt2
from tests.tui.app.driving import LONG, SHORT, Hand, session
from tui.restoring import restored
from tui.session import Session


def state(session: Session) -> Any:
    """All that is written now and was before, with what a run needs to go on from any of it."""
    back, forward = [], []
    here = session.writing
    while session.undo():
        back.append(session.writing)
    while session.redo():
        pass
    steps = session.timeline.steps
    marks = [(w.prompt, [(s.pieces, s.ids, s.seed, s.drawn, s.tokens, s.halved, s.ending) for s in w.sequences])
             for w in (here, *back, *forward)]  # fmt: skip
    return marks, steps, session.settings.differences(session.settings)


async def a_session_with_all_in_it(hand: Hand) -> None:
    """Runs, changes in the middle of one, a stop, going on, another seed, edits, undo and redo."""
    await hand.press("ctrl+j")
    await hand.tokens(4)
    await hand.change(temperature=1.5)
    await hand.tokens(8)
    await hand.press("escape")
    await hand.finished()
    await hand.change(max_new_tokens=6)
    for key in ("ctrl+o", "ctrl+r", "ctrl+l", "ctrl+o", "r", "alt+z", "alt+z", "alt+y"):
        hand.output.focus()
        await hand.press(key)
        await hand.finished()
        await hand.settle()
    await hand.press("alt+e", *" mill", "ctrl+o")
    await hand.finished()
    await hand.settle()


async def test_a_restored_session_is_the_one_that_was_left(tiny: Path, record: Path) -> None:
    settings = LONG.changed(num_return_sequences=2, seed=3)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await a_session_with_all_in_it(hand)
        found = restored(record, SHORT)
        assert not found.trouble
        assert {line["event"] for line in hand.lines()} >= {"edit", "undo", "redo", "change", "stop", "finish"}
        mine, its = state(hand.app.session), state(found.session)
        assert mine == its and mine[1][0] > 4
        assert found.session.settings.temperature == 1.5


async def test_a_session_cut_off_goes_on_with_what_would_have_come(tiny: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "transcripts")
    library.folder.mkdir()
    record = library.folder / "cut.jsonl"
    settings = SHORT.changed(max_new_tokens=12)
    async with session(record, tiny, settings, prompt="the old") as hand:
        await hand.run()
        whole = hand.output.text()
    lines = record.read_bytes().splitlines(keepends=True)
    tokens = [place for place, line in enumerate(lines) if line.startswith(b'{"event": "token"')]
    record.write_bytes(b"".join(lines[: tokens[5]]) + lines[tokens[5]][:30])
    async with session(tmp_path / "new.jsonl", tiny, settings, library=library) as hand:
        await hand.until(lambda: "Cut off" in hand.screen_text(), "the offer")
        hand.prompt.focus()
        await hand.press(*"abc")
        assert hand.prompt.text == "abc", "the offer is in nobody's way"
        await hand.press("alt+g")
        await hand.until(lambda: hand.output.text().startswith("the old") and hand.output.text() != "the old")
        assert whole.startswith(hand.output.text()) and hand.prompt.text == "the old"
        assert "Cut off" not in hand.screen_text()
        await hand.change(max_new_tokens=7)
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text() == whole
        await hand.press("alt+z")
        await hand.until(lambda: hand.output.text() != whole)
    assert [line["event"] for line in read(record) if line["event"] in ("run", "undo", "end")] == [
        *("run", "run", "undo", "end")
    ]
    assert not (tmp_path / "new.jsonl").exists()
    assert restored(record, SHORT).trouble == ["1 line could not be read and is left out"]


async def test_with_another_model_the_text_is_read_anew_and_the_recorded_one_can_be_loaded(
    tiny: Path, record: Path, tmp_path: Path
) -> None:
    async with session(record, tiny, SHORT, prompt="the old") as hand:
        await hand.run()
        text = hand.output.text()
    other = saved(tiny_gpt2(n_layer=1, n_positions=512), tmp_path / "other")
    async with session(tmp_path / "new.jsonl", other, SHORT, library=Library(tmp_path / "transcripts")) as hand:
        hand.app.open_record(record)
        await hand.until(lambda: hand.note("another-model"))
        note = hand.note("another-model")
        assert note and "tiny" in note.text and "read anew" in note.text and hand.output.text() == text
        assert not hand.app.session.sequences[0].ids
        await hand.press("ctrl+o")
        await hand.finished()
        assert hand.output.text().startswith(text) and hand.app.session.sequences[0].ids
        copied = hand.app.record_path
        assert copied.parent == tmp_path / "transcripts", "a file from elsewhere is left as it is"
        await hand.app.run_action("load_recorded")
        await hand.until(lambda: hand.app.session.facts and hand.app.session.facts.name == str(tiny), "its own model")
        assert not hand.app.session.sequences[0].ids, "what the other one wrote is text to this one"
        await hand.press("ctrl+o")
        await hand.finished()
    names = [line["event"] for line in read(copied)]
    assert names.count("run") == 3 and "copied" in names and names[-1] == "end"
    assert len([line for line in read(record) if line["event"] == "run"]) == 1
    assert not restored(copied, SHORT).trouble
