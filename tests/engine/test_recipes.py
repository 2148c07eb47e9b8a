"""The recipes, and their blanks."""

from __future__ import annotations

import pytest

from engine.families import FAMILIES
from engine.recipes import RECIPES, blanks, next_blank, recipes_for
from engine.safe_text import safe_block


def test_each_recipe_has_blanks_and_nothing_half_open() -> None:
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES) >= 20
    for recipe in RECIPES:
        spans = blanks(recipe.text)
        assert spans, recipe.name
        bare = recipe.text
        for start, end in reversed(spans):
            bare = bare[:start] + bare[end:]
        assert not set("‹›") & set(bare), recipe.name
        assert safe_block(recipe.text) == recipe.text and recipe.help and not recipe.help.endswith(".")
        assert set(recipe.families) <= FAMILIES.keys()


def test_a_family_gets_its_own_first_and_the_others_do_not_get_them() -> None:
    for_ctrl, others = recipes_for("ctrl"), recipes_for("gpt2")
    assert [recipe.families for recipe in for_ctrl[:3]] == [("ctrl",)] * 3
    assert not any(recipe.families for recipe in others) and set(others) < set(for_ctrl)


@pytest.mark.parametrize(
    ("after", "wanted"), [(0, (2, 5)), (2, (2, 5)), (3, (8, 11)), (8, (8, 11)), (9, (2, 5)), (99, (2, 5))]
)
def test_the_next_blank_comes_round_to_the_first(after: int, wanted: tuple[int, int]) -> None:
    assert next_blank("a ‹b› c ‹d› ‹", after) == wanted


def test_what_is_no_blank() -> None:
    assert blanks("‹› ‹a\nb› ‹‹c› " + "‹" + "x" * 61 + "›") == [(10, 13)]
    assert next_blank("none here", 3) is None
