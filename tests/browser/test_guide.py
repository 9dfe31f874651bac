"""The guide for the office wall fits on one page, with every letter."""

import re

import pytest

from deploy import guide

pytestmark = pytest.mark.browser


def test_the_guide_is_one_page(tmp_path):
    # A process of its own would do the same; playwright's own loop must not run in it twice.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pages = pool.submit(guide.write, guide.SOURCE, tmp_path / "guide.pdf").result(60)
    assert pages == 1


def test_nothing_of_the_guide_is_dropped():
    text = guide.SOURCE.read_text(encoding="utf-8")
    page = re.sub(r"<[^>]+>", "", guide.page(text))
    for line in text.splitlines():
        words = line.replace("*", "").replace("|", " ").strip("#- 0123456789.").split()
        assert all(word in page for word in words if "---" not in word), line


def test_what_the_reader_does_not_know_is_refused():
    with pytest.raises(ValueError, match="does not know"):
        guide.page("[a link](https://example.vn)")
