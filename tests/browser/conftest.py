"""Real pages in a real Chromium: a server in a thread, over a commune filled once.

Every page a test opens is watched: no request to another host, no error in the console.
"""

import os
import shutil
import threading
from pathlib import Path

import pytest
from werkzeug.serving import ThreadedWSGIServer

from controller.accounts import people
from controller.accounts.access import SYSTEM
from controller.database import transaction
from controller.settings import load
from tests.support.broker import free_port
from tests.web import conftest as pages
from tests.web.village import NOW, PASSWORD, cookie_of
from web.app import create_app

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
# The documentation's pictures are made by these tests; LOALANG_SCREENS=docs renews them.
SCREENS = ROOT / (
    "docs/screens" if os.environ.get("LOALANG_SCREENS") == "docs" else "build/screens"
)
filled = pages.filled
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Site:
    """A running application: its address, what is in it, and what time it is there."""

    def __init__(self, app, village, clock, url):
        self.app, self.village, self.clock, self.url = app, village, clock, url
        self.services = app.extensions["loalang"]

    def cookie(self, name, language="vi"):
        """The cookie of a browser in which somebody is signed in."""
        serializer = self.app.session_interface.get_signing_serializer(self.app)
        values = cookie_of(self.village.users[name], language)
        cookie = {"name": self.app.config["SESSION_COOKIE_NAME"], "url": self.url}
        return {**cookie, "value": serializer.dumps(values)}


class _Server(ThreadedWSGIServer):
    """Open streams do not keep the tests waiting at the end."""

    daemon_threads = True
    block_on_close = False


def serve(folder, filled, clock):
    """Start the pages over a copy of the filled folder; yields the Site."""
    shutil.copytree(filled.folder, folder)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = load({"LOALANG_DATA_DIR": str(folder), "LOALANG_PUBLIC_URL": url})
    app = create_app(settings, clock)
    server = _Server("127.0.0.1", port, app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, filled.village, clock, url)
    server.shutdown()
    server.server_close()
    thread.join(10)
    app.extensions["loalang"].engine.dispose()


@pytest.fixture(scope="session")
def site(filled, tmp_path_factory):
    """For tests that only look."""
    yield from serve(tmp_path_factory.mktemp("site") / "data", filled, pages.Clock())


@pytest.fixture
def own_site(filled, tmp_path):
    """For tests that change something."""
    yield from serve(tmp_path / "data", filled, pages.Clock())


@pytest.fixture(scope="session")
def base_url():
    """None: every test has its own. (The plugin's fixture is written in a way pytest retires.)"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """A microphone that beeps, and nobody who must allow it."""
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    return {**browser_type_launch_args, "args": [*browser_type_launch_args.get("args", []), *fake]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {
        **browser_context_args,
        "locale": "vi-VN",
        "timezone_id": "Asia/Ho_Chi_Minh",
        "reduced_motion": "reduce",
        "viewport": {"width": 390, "height": 844},
    }


class Watch:
    """What a page asked for and complained about."""

    def __init__(self):
        self.foreign, self.errors, self.expected = [], [], ()

    def over(self, page):
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _request(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(request.url)

    def _console(self, message):
        if message.type == "error" and not any(word in message.text for word in self.expected):
            self.errors.append(f"{message.text} {message.location}")


@pytest.fixture
def watch():
    watch = Watch()
    yield watch
    assert not watch.foreign
    assert not watch.errors


def _with_letters(route):
    """The pages' own letters in every picture, also when they come late on a busy machine."""
    answer = route.fetch()
    styles = answer.text().replace("font-display:optional", "font-display:block")
    route.fulfill(response=answer, body=styles)


@pytest.fixture
def open_as(context, watch):
    """`open_as(site, "bob", "/log/")` is a page in which Bob is signed in."""

    if SCREENS.parent.name == "docs":
        context.route("**/assets/main-*.css", _with_letters)

    def open_(site, name, path, *, width=390, language="vi"):
        context.clear_cookies()
        context.add_cookies([site.cookie(name, language)])
        page = context.new_page()
        watch.over(page)
        page.set_viewport_size({"width": width, "height": 844 if width < 900 else 900})
        page.goto(site.url + path)
        return page

    return open_


@pytest.fixture
def signed_up(own_site):
    """Who must type a password in a test has one."""
    with transaction(own_site.services.engine) as session:
        for name in ("erin", "bob", "alice"):
            people.set_password(session, SYSTEM, own_site.village.users[name], PASSWORD, NOW)


def sign_in(site, page, name):
    """Through the sign-in page, as people do."""
    page.goto(site.url + "/login")
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_role("heading", name="Hôm nay", level=1).wait_for()


def axe_violations(page):
    """What axe-core finds wrong, one line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(r => r.violations)", RULES
    )
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"]
    ]


def overflow(page):
    """By how many pixels the page is wider than the window."""
    return page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def until(page, condition):
    """Wait until a JavaScript expression is true (the site's policy stops Playwright's way)."""
    page.evaluate(
        "() => new Promise(done => { const look = () => "
        f"({condition}) ? done(true) : setTimeout(look, 30); look(); }})"
    )


def looked_at(page, name, part=None):
    """axe and overflow at the three widths, and the pictures; for a state a test brought about."""
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) <= 0
        assert axe_violations(page) == []
        if width != 320:
            picture(page, name, part)


def picture(page, name, part=None):
    """Keep a screenshot for the documentation: the first two windows, or one part of the page."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    width = page.viewport_size["width"]
    if part is not None:
        # As high as the page, so that no bar stands over the part.
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => window.scrollTo(0, 0)")
        part.screenshot(path=SCREENS / f"{name}-{width}.png", animations="disabled")
        return
    height = page.evaluate("() => document.documentElement.scrollHeight")
    shown = max(page.viewport_size["height"], min(height, 1500 if width < 900 else 1100))
    page.set_viewport_size({"width": width, "height": shown})
    page.screenshot(path=SCREENS / f"{name}-{width}.png", animations="disabled")
