"""Signing in with the second factor, and helping a phone to trust the pages, as people see it."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from controller.accounts import second_factor, totp
from controller.database import transaction
from controller.models import User
from deploy.ca import make_authority
from tests.browser.conftest import looked_at
from tests.web.village import NOW, PASSWORD

pytestmark = pytest.mark.browser


def test_a_code_from_the_phone_is_the_second_step(own_site, signed_up, page, watch):
    with transaction(own_site.services.engine) as session:
        bob = session.get_one(User, own_site.village.users["bob"])
        box = own_site.services.settings.factor_box
        secret = second_factor.begin(session, box, bob)
        step = totp.step_of(NOW)
        second_factor.confirm(session, box, bob, totp.code(secret, step), NOW)
    watch.over(page)
    page.goto(own_site.url + "/login")
    page.fill("#username", "bob")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_role("heading", name="Bước 2: mã trên điện thoại").wait_for()
    assert page.evaluate("document.activeElement.id") == "code"  # ready to type
    looked_at(page, "dang-nhap-ma")
    watch.expected = ("422",)
    page.fill("#code", "000000")
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_role("alert").wait_for()
    looked_at(page, "dang-nhap-ma-sai")
    page.fill("#code", totp.code(secret, step + 1))
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_role("heading", name="Hôm nay", level=1).wait_for()


def test_a_phone_is_led_to_trust_the_pages(own_site, page, watch):
    made = make_authority("Caddy Local Authority", NOW).certificate
    folder = own_site.services.settings.data_dir
    (folder / "pages-ca.crt").write_bytes(made.public_bytes(Encoding.PEM))
    watch.over(page)
    page.goto(own_site.url + "/login")
    page.locator("main a[href='/trust']").click()
    page.get_by_role("heading", name="So dấu vân tay").wait_for()
    looked_at(page, "tin-trang-nay")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Tải chứng chỉ").click()
    assert waiting.value.suggested_filename == "loalang-ca.crt"
