"""The weekly sheet under a mouse, a thumb and a keyboard; and on paper."""

import re

import pytest

from controller.database import reading, transaction
from controller.models import Airing
from controller.scheduling import approvals, schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from tests.browser.conftest import picture, until
from tests.web.village import NOW, airing_of

pytestmark = pytest.mark.browser

TUESDAY_EVENING = 'td[data-day="2026-11-24"][data-start="17:00"]'


@pytest.fixture
def sheet(own_site, open_as):
    page = open_as(own_site, "bob", "/week/?from=2026-11-23", width=1280)
    page.locator("html.scripted").wait_for()
    return page


@pytest.fixture
def grip(sheet):
    monday = sheet.locator('td[data-day="2026-11-23"][data-start="17:00"]')
    return monday.locator(".slot", has_text="Chương trình chiều").locator(".grip")


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_mouse_drags_an_airing_to_another_day(sheet, grip):
    sheet.mouse.move(*middle(grip))
    sheet.mouse.down()
    sheet.mouse.move(*middle(sheet.locator(TUESDAY_EVENING)), steps=8)
    sheet.mouse.up()
    sheet.get_by_text("Đã chuyển sang thứ 3 24/11 lúc 17:00.").wait_for()
    sheet.get_by_role("button", name="Hoàn tác").click()
    sheet.get_by_text("Đã chuyển sang thứ 2 23/11 lúc 17:00.").wait_for()


def test_the_keyboard_drags_too_and_says_where(sheet, grip):
    grip.focus()
    sheet.keyboard.press("Space")
    sheet.keyboard.press("ArrowRight")
    assert "Thứ 3 24/11, Chiều" in sheet.locator("week-sheet [role=status]").inner_text()
    sheet.keyboard.press("Space")
    sheet.get_by_text("Đã chuyển sang thứ 3 24/11 lúc 17:00.").wait_for()


def test_escape_leaves_it_where_it_was(sheet, grip, own_site):
    before = airing_of(own_site.services, own_site.village.schedules["evening"])
    grip.focus()
    for key in ("Space", "ArrowRight", "Escape"):
        sheet.keyboard.press(key)
    assert sheet.locator("week-sheet [role=status]").inner_text() == "Đã thôi."
    with reading(own_site.services.engine) as session:
        assert session.get(Airing, before.id).starts_at == before.starts_at


def test_a_thumb_lifts_by_a_long_press(own_site, open_as):
    page = open_as(own_site, "bob", "/week/?from=2026-11-23")
    page.locator("html.scripted").wait_for()
    slot = page.locator(".slot", has_text="Chương trình chiều").first
    slot.scroll_into_view_if_needed()
    x, y = middle(slot.locator(".grip"))
    finger = page.context.new_cdp_session(page)

    def touch(kind, *points):
        at = [{"x": px, "y": py} for px, py in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (x, y))
    page.locator(".slot.is-lifted").wait_for()
    target = page.locator(TUESDAY_EVENING)
    target.scroll_into_view_if_needed()
    touch("touchMove", middle(target))
    page.locator(f"{TUESDAY_EVENING}.is-target").wait_for()
    touch("touchEnd")
    page.get_by_text("Đã chuyển sang thứ 3 24/11").wait_for()


def test_a_finger_at_the_edge_scrolls_the_page_under_it(own_site, open_as):
    page = open_as(own_site, "bob", "/week/?from=2026-11-23")
    page.locator("html.scripted").wait_for()
    slot = page.locator(".slot", has_text="Chương trình chiều").first
    slot.evaluate("each => each.scrollIntoView({block: 'center'})")
    x, y = middle(slot.locator(".grip"))
    finger = page.context.new_cdp_session(page)

    def touch(kind, *points):
        at = [{"x": px, "y": py} for px, py in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (x, y))
    page.locator(".slot.is-lifted").wait_for()
    before = page.evaluate("scrollY")
    touch("touchMove", (x, 800))  # at the bottom, over the tabs
    until(page, f"scrollY > {before} + 600")
    touch("touchMove", (x, 90))  # back at the top
    until(page, f"scrollY < {before}")
    touch("touchCancel")
    assert page.locator(".slot.is-lifted").count() == 0


def test_the_buttons_way_moves_by_touch_and_back(own_site, browser, browser_context_args):
    phone = {**browser_context_args, "has_touch": True, "is_mobile": True}
    with browser.new_context(**phone) as context:
        context.add_cookies([own_site.cookie("bob")])
        page = context.new_page()
        page.goto(f"{own_site.url}/week/?from=2026-11-23")
        slot = page.locator(".slot", has_text="Chương trình chiều").first
        slot.get_by_role("link", name="Chuyển").tap()
        page.fill("#date", "2026-11-24")
        page.fill("#time", "16:30")
        page.get_by_role("button", name="Chuyển").tap()
        page.get_by_text("Đã chuyển sang thứ 3 24/11 lúc 16:30.").wait_for()
        page.get_by_role("button", name="Hoàn tác").tap()
        page.get_by_text("Đã chuyển sang thứ 2 23/11 lúc 17:00.").wait_for()


def test_a_full_week_prints_on_one_page(own_site, open_as):
    """Five airings a day, the most that decisions of provinces allow."""
    village = own_site.village
    with transaction(own_site.services.engine) as session:
        for clock in ("06:00", "11:00", "18:30"):
            data = ScheduleInput(
                title=f"Bản tin {clock} của xã",
                items=[ItemInput(village.clips[6])],
                area_ids=[village.areas["commune"]],
                starts_at=f"2026-11-23T{clock}",
                recurrence={"rrule": "FREQ=DAILY"},
            )
            made, _draft = schedules.create(session, village.actor("erin"), data, NOW)
            approvals.approve_schedule(session, village.actor("bob"), made.id, NOW)
    page = open_as(own_site, "bob", "/week/?from=2026-11-23", width=1280)
    assert page.locator(".slot").count() >= 33
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1062, "height": 733})
    picture(page, "tuan-in")
    page.emulate_media()
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == 1
    assert re.search(rb"/MediaBox \[0 0 84[12][0-9.]* 59[45]", pdf)  # A4, lying
