"""The panel under a hand: stepping, typing, refusing, resetting, searching, folding, what is seen of it."""

from __future__ import annotations

from typing import Any

import pytest
from panel_app import PRIMARY, PanelApp
from textual import events

from engine.settings import PARAMETERS, Settings
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.settings_panel.help_line import HelpLine
from tui.widgets.settings_panel.row_list import RowList
from tui.widgets.settings_panel.safe_input import SafeInput

HOSTILE = "\x1b]52;c;AAAA\x07[/][@click=app.bell]x"

# One of every kind: (name, a text that is taken, its value, a text that is refused or None where every one is taken).
KINDS: list[tuple[str, str, Any, str | None]] = [
    ("temperature", "0.35", 0.35, "-1"),
    ("temperature", "1e-3", 0.001, "nan"),
    ("top_k", "37", 37, "many"),
    ("top_k", "off", 0, "1.5"),
    ("max_length", "64", 64, "0"),
    ("stop_token", "THE END", "THE END", None),
    ("prefix", "Once upon", "Once upon", None),
    ("stop_strings", '["a", "b"]', ("a", "b"), '["a", 1]'),
    ("stop_strings", "one text", ("one text",), '[""]'),
    ("eos_token_id", "[50256, 13]", (50256, 13), "[-1]"),
    ("eos_token_id", "off", (), "x"),
]


async def type_value(pilot: Any, text: str) -> None:
    """Edit the highlighted row as a hand does."""
    await pilot.press("enter")
    pilot.app.focused.value = text
    await pilot.press("enter")


async def test_every_declared_setting_has_a_row_that_shows_title_value_and_help() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 30)) as pilot:
        for name, parameter in PARAMETERS.items():
            app.panel.highlight(name)
            await pilot.pause()
            assert app.panel.highlighted == name
            line = app.line_of("▌")
            assert parameter.title in line and parameter.format(parameter.default) in line
            assert " ".join(app.panel.query_one(HelpLine).lines()[0]) == parameter.help


async def test_enter_on_a_choice_takes_the_next_one() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.panel.highlight("strategy")
        await pilot.press("enter", "enter")
        assert app.edits == [("strategy", "beam"), ("strategy", "beam-sample")] and app.panel.editing is None
        app.panel.highlight("low_memory")
        await pilot.press("enter", "enter")
        assert app.edits[2:] == [("low_memory", True), ("low_memory", False)]


async def test_a_choice_that_does_not_go_with_the_rest_is_passed_over() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.panel.highlight("strategy")
        for _ in PARAMETERS["strategy"].choices:
            await pilot.press("enter")
        chosen = [value for _, value in app.edits]
        assert chosen[-2:] == ["greedy", "sample"] or chosen[-3:-1] == ["greedy", "sample"]
        assert "constrained-beam" not in chosen and "dola" in chosen, "no words are forced"


@pytest.mark.parametrize(("name", "text", "value", "refused"), KINDS)
async def test_a_value_of_every_kind_is_typed_refused_and_reset(
    name: str, text: str, value: Any, refused: str | None
) -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.panel.highlight(name)
        await type_value(pilot, text)
        changed = [] if value == PARAMETERS[name].default else [(name, value)]
        assert app.edits == changed and getattr(app.settings, name) == value
        assert app.panel.editing is None and app.panel.refusal is None
        if refused is not None:
            await type_value(pilot, refused)
            assert app.edits == changed and getattr(app.panel.settings, name) == value
            assert app.panel.editing == name and app.panel.refusal is not None
            assert f"✗ {name} " in app.line_of("✗")
            await pilot.press("escape")
            assert app.panel.editing is None and app.panel.refusal is None
            assert "✗" not in "".join(app.screen_lines())
        await pilot.press("delete")
        assert getattr(app.settings, name) == PARAMETERS[name].default


async def test_stepping_goes_where_the_declaration_says() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 30)) as pilot:
        for name, parameter in PARAMETERS.items():
            app.panel.highlight(name)
            one = parameter.stepped(parameter.default, 1)
            two = parameter.stepped(one, 1)
            await pilot.press("right", "plus")
            assert getattr(app.settings, name) == two == getattr(app.panel.settings, name)
            await pilot.press("minus", "left")
            assert getattr(app.settings, name) == parameter.stepped(parameter.stepped(two, -1), -1)
            await pilot.press("backspace")
            assert getattr(app.settings, name) == parameter.default


async def test_fast_steps_are_all_counted() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", *["right"] * 10)
        assert app.settings.temperature == 1.5
        assert [value for _, value in app.edits] == [
            1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5,
        ]  # fmt: skip


async def test_a_refused_value_can_be_corrected_where_it_stands() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "9", "9", "9", "enter")
        assert app.panel.refusal is not None and app.panel.editing == "temperature"
        await pilot.press("backspace", "enter")
        assert app.panel.refusal is None and app.edits == [("temperature", 99.0)]


async def test_a_combination_that_is_refused_is_said_under_the_row() -> None:
    app = PanelApp(Settings(num_return_sequences=3))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("left")
        assert app.edits == [] and app.panel.settings.strategy == "sample"
        assert app.panel.refusal is not None and app.panel.refusal.name == "strategy"
        lines = app.screen_lines()
        assert "✗ num_return_sequences 3: greedy" in lines[2] and "strategy" in lines[1]
        await pilot.press("escape")
        assert app.panel.refusal is None


async def test_a_digit_begins_a_number_and_escape_gives_it_up() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "3", ".", "5")
        assert app.panel.editing == "temperature"
        await pilot.press("escape")
        assert app.panel.editing is None and app.edits == [] and isinstance(app.focused, RowList)
        await pilot.press("7", "enter")
        assert app.edits == [("temperature", 7.0)]


async def test_enter_on_an_unchanged_value_changes_nothing() -> None:
    app = PanelApp(Settings(prefix="one two\u202e"))
    async with app.run_test(size=(60, 30)) as pilot:
        app.panel.highlight("prefix")
        await pilot.press("enter")
        assert isinstance(app.focused, SafeInput) and app.focused.value.isprintable()
        await pilot.press("enter")
        assert app.edits == [] and app.panel.editing is None


async def test_leaving_a_half_typed_value_gives_it_up() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "9")
        app.panel.focus()
        await pilot.pause()
        assert app.panel.editing is None and app.edits == []


async def test_a_terminal_that_loses_the_focus_leaves_the_editor_open() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "9")
        app.post_message(events.AppBlur())
        await pilot.pause()
        app.post_message(events.AppFocus())
        await pilot.pause()
        assert app.panel.editing == "temperature"
        await pilot.press("5", "enter")
        assert app.edits == [("temperature", 95.0)]


async def test_hostile_text_is_shown_safe_and_kept_as_it_was_meant() -> None:
    app = PanelApp()
    async with app.run_test(size=(80, 30)) as pilot:
        app.panel.highlight("prefix")
        await pilot.press("enter")
        assert app.focused is not None
        app.focused.post_message(events.Paste(HOSTILE))
        await pilot.pause()
        assert "␛]52;c;AAAA␇[/][@click=app.bell]x" in app.line_of("▌")
        await pilot.press("enter")
        assert app.edits == [("prefix", HOSTILE)]
        assert "]52;c;AAAA" in app.line_of("▌")
        app.panel.highlight("seed")
        await type_value(pilot, HOSTILE)
        assert app.panel.refusal is not None and "␛]52" in app.line_of("✗")
        await pilot.press("escape", "slash")
        app.focused.post_message(events.Paste(HOSTILE))
        await pilot.pause()
        assert app.panel.names == []
        everything = "".join(app.screen_lines())
        assert "\x1b" not in everything and "\x07" not in everything and not app.rung


async def test_lines_that_are_pasted_stay_lines() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.panel.highlight("stop_token")
        await pilot.press("enter")
        assert app.focused is not None
        app.focused.post_message(events.Paste("a\n\nb"))
        await pilot.press("enter")
        assert app.settings.stop_token == "a\n\nb"


async def test_search_filters_while_one_types_and_leads_to_the_row() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("slash", *"epsi")
        assert app.panel.names == ["epsilon_cutoff", "eta_cutoff"] and app.panel.query_text == "epsi"
        await pilot.press("backspace", "backspace", "backspace", "backspace", *"nucleus")
        assert app.panel.names == ["top_p"]
        await pilot.press("enter", "left")
        assert app.edits == [("top_p", 0.85)]
        await pilot.press("escape")
        assert app.panel.query_text == "" and app.panel.highlighted == "top_p" and app.panel.unfolded


async def test_escape_in_the_search_brings_all_back() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        before = app.panel.names
        await pilot.press("slash", *"zzz")
        assert app.panel.names == [] and "no setting found" in "".join(app.screen_lines())
        await pilot.press("escape")
        assert app.panel.names == before and isinstance(app.focused, RowList) and not app.panel.unfolded


async def test_escape_with_nothing_open_is_the_app_s() -> None:
    class Stopping(PanelApp):
        BINDINGS = [("escape", "bell")]  # noqa: RUF012

    app = Stopping()
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("slash", "escape")
        assert not app.rung
        await pilot.press("escape")
        assert app.rung


async def test_the_fold_opens_and_closes_by_key_and_click() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        assert app.panel.names == list(PRIMARY)
        assert f"more: {len(PARAMETERS) - len(PRIMARY)} settings" in app.line_of("▸")
        await pilot.press("end", "enter")
        assert sorted(app.panel.names) == sorted(PARAMETERS) and app.panel.highlighted is None
        await pilot.press("enter")
        assert app.panel.names == list(PRIMARY)
        await pilot.click(RowList, offset=(5, 5))
        assert app.panel.unfolded


async def test_hints_marks_and_legend_are_seen() -> None:
    app = PanelApp(Settings(top_k=40))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        assert "F3 F4" in app.line_of("temperature") and "*" not in app.line_of("temperature")
        assert "*top-k" in app.line_of("top-k") and "F5 F6" in app.line_of("top-k")
        assert "━" in app.line_of("top-k") and "●" in app.line_of("top-k") and "○" in app.line_of("seed")
        assert "● next token  ○ next run" in app.screen_lines()[-1]


async def test_what_the_app_shows_is_marked_for_a_moment() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.panel.show(app.settings.changed(temperature=1.3, top_p=0.5))
        await pilot.pause()
        assert app.panel.just_changed == {"temperature", "top_p"} and app.edits == []
        assert "1.3" in app.line_of("temperature") and "1 moved" in app.line_of("more")
        app.panel.unmark()
        assert app.panel.just_changed == frozenset()


async def test_settings_can_be_shown_before_the_panel_is() -> None:
    app = PanelApp()
    app.panel.show(Settings(seed=7))
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.pause()
        assert "7" in app.line_of("seed")


async def test_the_wheel_scrolls_and_changes_nothing() -> None:
    app = PanelApp(primary=())
    async with app.run_test(size=(60, 14)) as pilot:
        rows = app.panel.query_one(RowList)
        for kind in (events.MouseScrollDown, events.MouseScrollUp, events.MouseScrollDown):
            await pilot._post_mouse_events([kind], widget=RowList, offset=(30, 3))
        await pilot.pause()
        assert rows.scroll_offset.y > 0 and app.edits == []


async def test_a_click_on_the_slider_sets_and_one_beside_it_only_selects() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        columns = app.panel.query_one(RowList).columns
        await pilot.click(RowList, offset=(4, 1))
        assert app.panel.highlighted == "temperature" and app.edits == []
        await pilot.click(RowList, offset=(columns.slider_at + columns.slider - 1, 1))
        assert app.edits == [("temperature", 2.0)]
        await pilot.click(RowList, offset=(4, 2), times=2)
        assert app.panel.editing == "top_k"


async def test_what_waits_for_the_next_run_is_dimmed_and_explained_during_one() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.panel.highlight("seed")
        rows = app.panel.query_one(RowList)

        def style_of_value() -> object:
            return next(segment.style for segment in rows.render_line(4) if segment.text.strip() == "42")

        before = style_of_value()
        app.panel.running = True
        await pilot.pause()
        assert style_of_value() != before
        assert "○ next run, this one keeps its value" in " ".join(app.panel.query_one(HelpLine).lines()[2])


@pytest.mark.parametrize(
    ("width", "slider", "hint"),
    [(34, False, False), (40, False, True), (60, True, True), (80, True, True)],
)
async def test_widths_drop_the_slider_then_the_hint_and_never_scroll_sideways(
    width: int, slider: bool, hint: bool
) -> None:
    app = PanelApp(Settings(temperature=1.25), primary=())
    async with app.run_test(size=(width, 16)) as pilot:
        app.panel.highlight("temperature")
        await pilot.pause()
        line = app.line_of("temperature")
        assert ("━" in line, "F3 F4" in line) == (slider, hint)
        assert "temperature" in line and "1.25" in line and "●" in line
        rows = app.panel.query_one(RowList)
        assert not rows.show_horizontal_scrollbar and rows.max_scroll_x == 0


@pytest.mark.parametrize(("height", "seen"), [(11, False), (12, True), (30, True)])
async def test_help_has_a_fixed_height_and_goes_from_a_short_panel(height: int, seen: bool) -> None:
    app = PanelApp(primary=())
    async with app.run_test(size=(60, height)) as pilot:
        help_line = app.panel.query_one(HelpLine)
        heights = set()
        for _ in range(6):
            await pilot.press("down")
            heights.add(help_line.outer_size.height)
        assert help_line.display == seen and len(heights) == 1


async def test_the_highlight_stays_in_view_and_walks_every_row() -> None:
    app = PanelApp(primary=())
    async with app.run_test(size=(40, 12)) as pilot:
        walked = []
        for _ in PARAMETERS:
            walked.append(app.panel.highlighted)
            assert "▌" in "".join(app.screen_lines())
            await pilot.press("down")
        assert walked == app.panel.names
        await pilot.press("home", "pagedown", "pageup")
        assert app.panel.highlighted == walked[0]


async def test_an_editor_stays_over_its_row_when_the_size_changes() -> None:
    app = PanelApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await pilot.press("down", "8")
        await pilot.resize_terminal(40, 16)
        await pilot.pause()
        assert isinstance(app.focused, SafeInput) and app.focused.region.y == 2
        assert app.focused.region.right < 40


async def test_an_unknown_name_is_refused_when_the_panel_is_made() -> None:
    with pytest.raises(ValueError, match="no such setting"):
        SettingsPanel(Settings(), primary=["temperatur"])
