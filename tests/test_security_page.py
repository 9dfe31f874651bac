"""docs/security.md names tests; they must be there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", PAGE)))
CHAPTERS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_a_named_test_exists(path, test):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"def {test}(" in text if test else "def test_" in text or path.endswith("table.py")


def test_every_chapter_is_spoken_of():
    told = {int(number) for number in re.findall(r"\bV(\d+)\b", PAGE)}
    assert told >= CHAPTERS


def test_every_row_names_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| V")]
    assert rows
    assert all("`tests/" in row for row in rows)
