"""What goes into the office's file: one upright page from the printer, with lines to sign."""

import re

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/reports/logbook", "/reports/month?month=2026-11"])
def test_a_report_prints_on_one_page_with_lines_to_sign(site, open_as, path):
    page = open_as(site, "bob", path, width=1280)
    page.emulate_media(media="print")
    assert page.get_by_text("Lãnh đạo xác nhận").is_visible()
    assert not page.get_by_role("navigation").first.is_visible()
    page.emulate_media()
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == 1
    assert re.search(rb"/MediaBox \[0 0 59[45][0-9.]* 84[12]", pdf)  # A4, upright
