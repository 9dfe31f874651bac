"""What a page costs on a slow line: first load, with an empty cache, as it crosses the wire."""

import pytest

from tests.browser.test_every_page import PAGES, address

pytestmark = pytest.mark.browser

MOST, MOST_SCRIPT = 100_000, 20_000
# The editor draws a waveform and plays an original; the map draws the villages.
MAY_SCRIPT_MORE = {"cat-am-thanh", "ban-do"}


def crossed(site, browser, name):
    """Bytes by kind of one page opened by a browser that has nothing of it yet."""
    who, path = PAGES[name]
    with browser.new_context(locale="vi-VN", viewport={"width": 390, "height": 844}) as context:
        context.add_cookies([site.cookie(who)])
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        kinds, found = {}, {"Script": 0, "Media": 0}
        wire.on("Network.responseReceived", lambda e: kinds.__setitem__(e["requestId"], e["type"]))

        def add(event):
            kind = kinds.get(event["requestId"], "Other")
            found[kind] = found.get(kind, 0) + event["encodedDataLength"]

        wire.on("Network.loadingFinished", add)
        page.goto(site.url + address(site, path))
        page.evaluate("document.fonts.ready.then(() => true)")
        return found


@pytest.mark.parametrize("name", [name for name in PAGES if name != "khong-tim-thay"])
def test_the_first_load_is_small(site, browser, name):
    found = crossed(site, browser, name)
    assert found["Script"] > 0
    if name not in MAY_SCRIPT_MORE:
        assert found["Script"] <= MOST_SCRIPT
        assert sum(found.values()) - found["Media"] <= MOST
