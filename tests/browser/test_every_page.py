"""Every page at three widths and in both languages: nothing sticks out, axe finds nothing."""

import pytest

from tests.browser.conftest import axe_violations, overflow, picture
from tests.web.village import airing_of

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 1280)

# Name of the picture → who looks, and where.
PAGES = {
    "hom-nay": ("bob", "/"),
    "tuan": ("bob", "/week/?from=2026-11-23"),
    "chep-tuan": ("erin", "/week/copy/?from=2026-11-16&to=2026-11-29"),
    "lich-phat": ("erin", "/schedules/"),
    "lich-phat-chi-tiet": ("bob", "/schedules/{schedules[evening]}"),
    "tao-lich-phat": ("erin", "/broadcasts/new?clip={clips[5]}&time=11:00"),
    "sua-lich-phat": ("erin", "/broadcasts/new?edit={schedules[evening]}"),
    "kho-ban-tin": ("erin", "/clips/"),
    "ban-tin": ("bob", "/clips/{clips[4]}"),
    "cat-am-thanh": ("erin", "/clips/{clips[5]}/edit"),
    "tai-tep": ("erin", "/clips/new"),
    "goi-ban-tin": ("erin", "/clips/packs/"),
    "chep-usb": ("tom", "/sticks/"),
    "duyet": ("bob", "/approvals/"),
    "cum-loa": ("tom", "/nodes/"),
    "cum-loa-chi-tiet": ("tom", "/nodes/{nodes[Cầu Đá]}"),
    "cum-loa-danh-sach": ("tom", "/nodes/?view=list"),
    "cum-loa-ban-do": ("tom", "/nodes/?view=map"),
    "to-dan-cot": ("tom", "/nodes/{nodes[Cầu Đá]}/sheet"),
    "them-cum-loa": ("tom", "/nodes/new"),
    "usb": ("tom", "/sticks/"),
    "gan-thiet-bi": ("tom", "/devices/"),
    "nhat-ky": ("bob", "/log/"),
    "go-chu": ("erin", "/clips/speak"),
    "thon-toi": ("hoa", "/village/"),
    "bao-cao": ("bob", "/reports/"),
    "so-tuan": ("bob", "/reports/logbook"),
    "bao-cao-thang": ("bob", "/reports/month?month=2026-11"),
    "tai-khoan-nguoi-dung": ("alice", "/users/{users[erin]}"),
    "nguoi-dung": ("alice", "/users/"),
    "cai-dat": ("alice", "/settings/"),
    "canh-bao": ("tom", "/settings/alerts/"),
    "dia-ban": ("alice", "/settings/areas/{areas[commune]}"),
    "them-nguoi-dung": ("alice", "/users/new"),
    "chuyen-luot-phat": ("bob", "/week/move/{airing}"),
    "phat-khan-cap": ("bob", "/emergency/"),
    "dien-bien": ("tom", "/log/{morning}/{nodes[Cầu Đá]}"),
    "tai-khoan": ("bob", "/account/"),
    "xac-thuc-hai-buoc": ("bob", "/account/factor"),
    "doi-mat-khau": ("bob", "/password"),
    "khong-tim-thay": ("bob", "/nodes/khong-co"),
}


def address(site, path):
    airing = airing_of(site.services, site.village.schedules["evening"])
    morning = airing_of(site.services, site.village.schedules["morning"], on="2026-11-22")
    return path.format(**vars(site.village), airing=airing.id, morning=morning.id)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_is_accessible(site, open_as, watch, name, width):
    who, path = PAGES[name]
    if name == "khong-tim-thay":
        watch.expected = ("404",)
    page = open_as(site, who, address(site, path), width=width)
    page.locator("html.scripted").wait_for()
    if name == "tao-lich-phat":
        page.get_by_text("Không trùng giờ").wait_for()
    assert overflow(page) <= 0
    assert axe_violations(page) == []
    if width != 320:
        picture(page, name)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_in_english(site, open_as, watch, name):
    who, path = PAGES[name]
    watch.expected = ("404",)
    page = open_as(site, who, address(site, path), language="en")
    assert page.locator("html").get_attribute("lang") == "en"
    assert overflow(page) <= 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sign_in_page_fits_and_is_accessible(site, page, watch, width):
    watch.over(page)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site.url + "/login")
    assert overflow(page) <= 0
    assert axe_violations(page) == []
    if width != 320:
        picture(page, "dang-nhap")


_SHIFTED = """() => new Promise(done => {
  new PerformanceObserver(list => done(list.getEntries().reduce((sum, e) => sum + e.value, 0)))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(0), 300);
})"""


def test_the_recorder_appears_without_pushing_the_form_away(site, open_as):
    page = open_as(site, "erin", "/clips/new")
    page.get_by_role("button", name="Thu âm", exact=True).wait_for()
    assert page.evaluate(_SHIFTED) < 0.1
