"""What every answer tells the browser."""

import re
import shutil

import pytest

from controller.settings import load
from web.app import create_app
from web.headers import ALWAYS


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere"])
def test_no_page_loads_anything_from_elsewhere(visit, path):
    answer = visit("bob").get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_built_files_are_kept_for_long(visit):
    script = re.search(r'src="(/assets/[^"]+)"', visit().get("/login").text)[1]
    with visit().get(script, headers={"Accept-Encoding": "gzip"}) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"


def test_pages_of_who_is_signed_in_are_not_kept(visit):
    assert visit("bob").get("/").headers["Cache-Control"] == "no-store"


def test_over_https_the_cookie_is_bound_to_the_host(tmp_path, filled):
    shutil.copytree(filled.folder, tmp_path / "data")
    environ = {
        "LOALANG_DATA_DIR": str(tmp_path / "data"),
        "LOALANG_PUBLIC_URL": "https://loa.example",
    }
    app = create_app(load(environ))
    answer = app.test_client().get("/login", base_url="https://loa.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-loalang=")
    assert "Secure" in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    app.extensions["loalang"].engine.dispose()


def test_the_key_of_the_sessions_is_readable_by_its_owner_only(services):
    path = services.settings.secret_key_file
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32


@pytest.mark.parametrize("more", [{}, {"If-None-Match": "*"}, {"Range": "bytes=0-9"}])
def test_built_files_carry_the_headers_too(visit, more):
    page = visit().get("/login")
    script = re.search(r'/assets/[^"]+[.]js', page.text)[0]
    sent = dict(more)
    if sent.get("If-None-Match"):
        sent["If-None-Match"] = visit().get(script, buffered=True).headers["ETag"]
    answer = visit().get(script, headers=sent, buffered=True)
    assert answer.status_code == (304 if "If-None-Match" in sent else 206 if sent else 200)
    for name in ALWAYS:
        assert answer.headers.get(name) == page.headers[name], name


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30", "1999-12-31", "x"])
def test_days_nobody_can_mean_break_no_page(visit, day):
    for path in ("/week/?from=", "/week/copy/?to=", "/log/?from=", "/log/?to=", "/reports/?from=",
                 "/reports/logbook?week=", "/nodes/?view=list&since="):  # fmt: skip
        assert visit("bob").get(path + day).status_code == 200, path
    assert visit("bob").get(f"/reports/month?month={day[:7]}").status_code == 200
