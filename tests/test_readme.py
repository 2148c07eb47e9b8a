"""The README says what the declarations say, and .ci/run runs what the README says."""

from __future__ import annotations

from pathlib import Path

from tests.readme_tables import README, with_tables

ROOT = Path(__file__).parent.parent


def test_the_tables_are_those_of_the_declarations() -> None:
    text = README.read_text()
    assert with_tables(text) == text, "run: python -m tests.readme_tables"


def test_every_file_that_the_readme_links_to_is_there() -> None:
    import re

    links = re.findall(r"\]\(([^)]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
