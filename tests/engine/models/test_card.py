"""Cards, as people and as enemies write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models.card import Card, card, read_card
from engine.models.embedded import CHECKPOINT

CARD = """---
license: {licence}
language: en
---
# A model

Some words.

## Intended uses & limitations

It makes things up.

### Bias

It has some.

## Training

Long.
"""


def test_the_shipped_card_has_a_licence_and_says_what_it_is_not_for() -> None:
    found = card(CHECKPOINT)
    assert found.licence == "apache-2.0"
    assert "it makes up all that it says" in " ".join(found.limits.split()) and found.limits in found.text
    assert not found.text.startswith("---")


def test_the_sections_on_limits_are_picked_out() -> None:
    found = read_card(CARD.format(licence="mit"))
    assert found.limits.startswith("## Intended uses") and found.limits.endswith("It has some.")
    assert found.licence == "mit"


HEADS = {
    "license: [mit, apache-2.0]": "mit, apache-2.0",
    "license: other\nlicense_name: community": "community",
    "license: other": "other",
    "license: 7": "",
    "- a list": "",
    "license: [": "",
    "license: !!python/object/apply:os.system ['touch PWNED']": "",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nlicense: mit": "mit",
    "license: " + "[" * 3000: "",
    "license: 2001-99-99": "",
    "license: 9" + "9" * 6000: "",
    "license: " + "x" * 60_000: "",
    "results:\n" + "- value: 1\n" * 6000 + "license: mit\nlicense_name: x": "mit",
}


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head[:30])
def test_a_head_may_be_anything(head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n# Body\n")
    assert card(tmp_path) == Card(HEADS[head], "# Body")
    assert not (tmp_path / "PWNED").exists()


def test_a_folder_without_one(tmp_path: Path) -> None:
    assert card(tmp_path) == card(None) == Card()
    (tmp_path / "LICENSE").write_text("MIT")
    assert card(tmp_path) == Card("see LICENSE")
    (tmp_path / "README.md").write_bytes(b"\xff\x00")
    assert card(tmp_path) == Card("see LICENSE")


def test_beside_a_file_only_a_readme_with_a_head_is_a_card(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"")
    (tmp_path / "README.md").write_text("# Some project")
    assert card(tmp_path / "m.gguf") == Card()
    (tmp_path / "README.md").write_text(CARD.format(licence="mit"))
    assert card(tmp_path / "m.gguf").licence == "mit"
