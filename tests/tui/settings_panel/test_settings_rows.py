"""The rows without a screen: order, fold, search, columns, cells."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from engine.settings import PARAMETERS, Settings
from engine.settings.parameter import Parameter
from tui.widgets.settings_panel.columns import Columns
from tui.widgets.settings_panel.fit import fit, wrapped
from tui.widgets.settings_panel.row_cells import other_cells, setting_cells, slider
from tui.widgets.settings_panel.rows import (
    EmptyRow,
    FoldRow,
    HeadingRow,
    Refusal,
    RefusalRow,
    arranged,
    fold_label,
    found,
    row_name,
    value_at,
    with_refusals,
)

ALL = list(PARAMETERS.values())


def many(count: int) -> list[Parameter]:
    return [
        Parameter(name=f"p{place}", kind="int", default=0, help="", group="run" if place % 2 else "view", live=True)
        for place in range(count)
    ]


def test_the_primary_settings_come_first_and_the_rest_is_folded() -> None:
    rows = arranged(ALL, ["top_p", "seed"])
    assert [row_name(row) for row in rows] == ["top_p", "seed", None]
    assert isinstance(rows[-1], FoldRow) and len(rows[-1].folded) == len(ALL) - 2


def test_unfolded_every_declared_setting_has_one_row() -> None:
    rows = arranged(ALL, ["top_p", "seed"], unfolded=True)
    names = [name for row in rows if (name := row_name(row))]
    assert names[:2] == ["top_p", "seed"]
    assert sorted(names) == sorted(PARAMETERS)


def test_without_primary_settings_nothing_is_folded() -> None:
    rows = arranged(ALL, [])
    assert sorted(filter(None, map(row_name, rows))) == sorted(PARAMETERS)
    assert not any(isinstance(row, FoldRow) for row in rows)


def test_a_group_has_one_heading_however_its_members_are_declared() -> None:
    rows = arranged(many(80), [])
    assert [row.title for row in rows if isinstance(row, HeadingRow)] == ["view", "run"]
    assert len(rows) == 82


@pytest.mark.parametrize("parameter", ALL, ids=lambda parameter: parameter.name)
def test_every_setting_is_found_by_name_title_and_help(parameter: Parameter) -> None:
    for query in (parameter.name, parameter.title.upper(), parameter.help):
        assert parameter in found(ALL, query)


def test_a_title_that_holds_the_query_comes_before_a_help_that_does() -> None:
    assert [parameter.name for parameter in found(ALL, "epsilon")] == ["epsilon_cutoff", "eta_cutoff"]


def test_a_search_without_result_says_so() -> None:
    assert arranged(ALL, [], query="no such thing") == [EmptyRow()]


def test_the_fold_tells_how_much_of_it_was_changed() -> None:
    row = arranged(ALL, ["top_p"])[-1]
    assert isinstance(row, FoldRow)
    assert fold_label(row, {}) == f"more: {len(ALL) - 1} settings"
    assert fold_label(row, {"top_p", "seed"}).endswith("settings, 1 moved")


def test_a_refusal_stands_under_its_row_within_the_width() -> None:
    rows = with_refusals(arranged(ALL, ["top_p", "seed"]), [Refusal("top_p", "word " * 30)], 20)
    told = [row for row in rows if isinstance(row, RefusalRow)]
    assert rows[1 : 1 + len(told)] == told
    assert [row.first for row in told] == [True, False, False, False]
    assert all(cell_len(row.text) <= 20 for row in told) and told[-1].text.endswith("…")


@pytest.mark.parametrize("width", range(20, 100))
def test_columns_fit_and_the_slider_goes_before_the_hint(width: int) -> None:
    columns = Columns.fitted(width, 18, 6)
    assert not columns.slider or columns.hint
    cells = setting_cells(PARAMETERS["temperature"], 1.0, columns, hint="F9 F10")
    if width >= 31:
        assert sum(cell_len(text) for _, text in cells) <= width


@pytest.mark.parametrize("parameter", ALL, ids=lambda parameter: parameter.name)
@pytest.mark.parametrize("width", [31, 40, 57, 77])
def test_the_dot_of_every_row_stands_in_the_same_column(parameter: Parameter, width: int) -> None:
    columns = Columns.fitted(width, 18, 6)
    text = "".join(text for _, text in setting_cells(parameter, parameter.default, columns))
    assert text[columns.dot_at] == ("●" if parameter.live else "○")
    assert "*" not in text


def test_a_long_value_takes_the_slider_s_room_and_is_cut() -> None:
    columns = Columns.fitted(57, 18, 6)
    text = "".join(text for _, text in setting_cells(PARAMETERS["prefix"], "宽字符" * 30, columns))
    cut = fit("宽字符" * 30, columns.dot_at - columns.value_at - columns.gap)
    assert cut in text and cut.endswith("…")


def test_headings_and_fold_fit_the_width() -> None:
    for row in arranged(ALL, ["seed"], unfolded=True):
        if row_name(row) is None:
            assert sum(cell_len(text) for _, text in other_cells(row, Settings(top_k=3), 31)) <= 31


def test_slider_is_drawn_to_half_a_cell() -> None:
    assert slider(0.5, 8) == ("━━━━", "────")
    assert slider(0.25, 10) == ("━━╸", "───────")
    assert slider(0, 3) == ("", "───") and slider(1, 3) == ("━━━", "")


@pytest.mark.parametrize("parameter", [p for p in ALL if p.span], ids=lambda parameter: parameter.name)
def test_the_slider_gives_good_values_all_along(parameter: Parameter) -> None:
    values = [value_at(parameter, place / 20) for place in range(-2, 23)]
    assert values == sorted(values) and len(set(values)) > 5
    assert all(parameter.check(value) == value for value in values)


def test_without_a_span_the_slider_gives_nothing() -> None:
    assert value_at(PARAMETERS["prefix"], 0.5) is None


def test_text_is_cut_and_wrapped_by_cells() -> None:
    assert fit("abc", 5) == "abc  " and fit("abc", 5, right=True) == "  abc"
    assert fit("漢字漢字", 5) == "漢字…" and fit("abc", 0) == ""
    assert wrapped("漢字漢字 ab", 5, 9) == ["漢字", "漢字", "ab"]
    assert wrapped("one two three", 7, 1) == ["one two…"[:6] + "…"]
    assert wrapped("", 5, 3) == [] and wrapped("a", 0, 3) == []
