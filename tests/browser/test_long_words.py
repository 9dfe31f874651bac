"""A language whose words are forty percent longer still fits on a small phone.

Every text of a page is stretched in place, as a translation of that length would be. And so does
everybody's own text twice as large.
"""

import pytest

from tests.browser.conftest import overflow
from tests.browser.test_every_page import PAGES, address

pytestmark = pytest.mark.browser

_STRETCH = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) texts.push(walk.currentNode);
  for (const text of texts) {
    if (!/\\p{L}{2}/u.test(text.data)) continue;
    text.data = text.data.replace(/\\p{L}{2,}/gu, word =>
      word + word.slice(0, Math.round(word.length * 0.4)));
  }
}"""


_TWICE = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("html { font-size: 200% !important }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_with_longer_words(site, open_as, watch, name):
    who, path = PAGES[name]
    watch.expected = ("404",)
    page = open_as(site, who, address(site, path), width=320)
    page.evaluate(_STRETCH)
    assert overflow(page) <= 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_with_letters_twice_as_large(site, open_as, watch, name):
    who, path = PAGES[name]
    watch.expected = ("404",)
    page = open_as(site, who, address(site, path), width=320)
    page.evaluate(_TWICE)
    assert overflow(page) <= 0


def test_a_link_to_hand_on_fits_a_phone(own_site, open_as):
    page = open_as(own_site, "alice", "/users/", width=390)
    page.get_by_role("button", name="Liên kết mới").first.click()
    page.locator(".address").wait_for()
    assert overflow(page) <= 0
