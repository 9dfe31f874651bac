"""With scripts off everything daily still works: sign in, look, schedule, approve."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(browser, browser_context_args):
    with browser.new_context(**browser_context_args, java_script_enabled=False) as context:
        yield context


def sign_in(site, context, name):
    context.add_cookies([site.cookie(name)])
    return context.new_page()


def test_the_days_list_is_there(site, plain):
    page = sign_in(site, plain, "bob")
    page.goto(site.url + "/")
    assert page.locator(".agenda-row").count() >= 3


def test_a_broadcast_is_previewed_sent_and_approved(own_site, plain):
    page = sign_in(own_site, plain, "erin")
    page.goto(own_site.url + f"/broadcasts/new?clip={own_site.village.clips[5]}")
    page.fill("#date", "2026-11-24")
    page.fill("#time", "11:00")
    page.get_by_role("button", name="Xem trước").click()
    assert "Phát «Không cung cấp mã OTP cho người lạ» lúc 11:00 (trưa)" in page.inner_text("main")
    page.get_by_role("button", name="Gửi duyệt").click()
    assert "Đã gửi duyệt" in page.inner_text("main")

    page = sign_in(own_site, plain, "bob")
    page.goto(own_site.url + "/approvals/")
    card = page.locator("li.card", has_text="Không cung cấp mã OTP")
    card.get_by_role("button", name="Duyệt").click()
    assert "Đã duyệt. Các cụm loa đang nhận lịch." in page.inner_text("main")


def test_the_language_is_switched(site, plain):
    page = sign_in(site, plain, "vera")
    page.goto(site.url + "/log/")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="English").click()
    assert page.inner_text("h1") == "Playback log"


def test_the_password_is_all_that_is_needed(site, plain):
    page = plain.new_page()
    page.goto(site.url + "/log/")
    assert page.url.endswith("/login?next=/log/")
    assert page.locator("input[type=password]").count() == 1
