from __future__ import annotations

import pytest

from engine.models.embedded.recipe import Recipe, TrainingError


def test_the_rate_warms_up_stays_and_falls() -> None:
    recipe = Recipe(warmup_steps=10, cosine_share=0.6, final_rate=0.02)
    assert recipe.rate(0, 0.0) == pytest.approx(0.1)
    assert recipe.rate(9, 0.01) == recipe.rate(500, 0.4) == 1.0
    assert recipe.rate(700, 0.7) == pytest.approx(0.51)
    assert recipe.rate(1000, 1.0) == pytest.approx(0.02)
    falling = [recipe.rate(1000, share / 100) for share in range(40, 101)]
    assert falling == sorted(falling, reverse=True)


def test_settings_come_back_from_text() -> None:
    recipe = Recipe().changed({"width": "320", "clip": "0.5", "bfloat16": "false"})
    assert (recipe.width, recipe.clip, recipe.bfloat16) == (320, 0.5, False)
    assert recipe.settings() == {"width": "320", "clip": "0.5", "bfloat16": "false"}
    assert Recipe().changed(recipe.settings()) == recipe


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("breadth", "320", "no setting 'breadth'"),
        ("changed", "1", "no setting 'changed'"),
        ("width", "wide", "'wide' is no value for width"),
        ("bfloat16", "perhaps", "no value for bfloat16"),
        ("width", "100", "cannot be split into 8 heads"),
        ("layers", "0", "must be positive"),
        ("vocabulary", "200", "from 257 to 65536"),
        ("cosine_share", "0", "from 0 to 1"),
    ],
)
def test_a_bad_setting_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        Recipe().changed({name: value})
