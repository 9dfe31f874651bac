"""What an official does every day takes three taps at most after signing in; counted here."""

import pytest
from sqlalchemy import select

from controller.database import reading
from controller.models import Airing, Schedule
from tests.browser.conftest import until

pytestmark = pytest.mark.browser

MOST = 3


class Finger:
    """Taps what it is told to, and counts."""

    def __init__(self, page):
        self.page, self.taps = page, 0

    def tap(self, role, name, within=None):
        self.taps += 1
        place = within or self.page
        place.get_by_role(role, name=name).first.click()


@pytest.fixture
def finger(own_site, open_as):
    def start(name):
        page = open_as(own_site, name, "/")
        page.locator("html.scripted").wait_for()
        return Finger(page)

    return start


def test_a_stored_clip_is_played_tomorrow(own_site, finger):
    erin = finger("erin")
    # The usual time is taken by the morning bulletin: the form opens at a free one.
    erin.tap("link", "Bản tin")
    erin.tap("link", "Tạo lịch phát Lịch tiêm phòng")
    erin.page.get_by_text("Không trùng giờ").wait_for()
    erin.tap("button", "Gửi duyệt")
    erin.page.get_by_text("Đã gửi duyệt.").wait_for()
    assert erin.taps <= MOST
    with reading(own_site.services.engine) as session:
        query = select(Schedule).where(Schedule.title == "Lịch tiêm phòng vắc xin tháng 11")
        assert session.scalars(query).one().starts_local.startswith("2026-11-23T")


def test_what_waits_is_approved(finger):
    bob = finger("bob")
    bob.tap("link", "2 mục chờ duyệt")
    bob.tap("button", "Duyệt")
    bob.page.get_by_text("Đã duyệt bản tin.").wait_for()
    assert bob.taps <= MOST


def test_what_failed_is_seen_and_caught_up(finger):
    erin = finger("erin")
    erin.page.get_by_text("05:30: 2 cụm loa chưa phát trọn").wait_for()
    erin.tap("button", "Phát bù lúc")
    erin.page.get_by_text("Đã đặt lịch phát bù").wait_for()
    assert erin.taps <= MOST


def test_why_it_failed_is_read(finger):
    erin = finger("erin")
    erin.tap("link", "05:30: 2 cụm loa chưa phát trọn")
    erin.page.get_by_text("Cụm loa tắt vào giờ phát").wait_for()
    assert erin.taps <= MOST


def test_what_sounds_is_stopped(own_site, finger):
    bob = finger("bob")
    bob.page.get_by_text("Dừng phát…").first.click()
    bob.taps += 1
    bob.tap("button", "Dừng ngay")
    bob.page.get_by_text("Đã dừng phát ở các nơi đã chọn.").wait_for()
    assert bob.taps <= MOST


def test_what_waits_is_returned_with_a_reason(finger):
    bob = finger("bob")
    bob.tap("link", "2 mục chờ duyệt")
    bob.page.get_by_text("Trả lại…").first.click()
    bob.taps += 1
    bob.page.get_by_label("Lý do").first.fill("Thiếu giờ họp")
    bob.tap("button", "Trả lại")
    bob.page.get_by_text("Đã trả lại").wait_for()
    assert bob.taps <= MOST


def test_a_village_head_mutes_notes_and_reports(finger):
    hoa = finger("hoa")

    def done(opened, button, said, field="", text=""):
        hoa.taps = 0
        hoa.tap("link", "Thôn tôi")
        hoa.page.locator("summary", has_text=opened).first.click()
        hoa.taps += 1
        if field:
            hoa.page.get_by_label(field).first.fill(text)
        hoa.tap("button", button)
        hoa.page.get_by_text(said).wait_for()
        assert hoa.taps <= MOST

    done("Tắt tiếng đến…", "Đến 05:00 sáng mai", "Đã tắt tiếng.")
    done("Ghi lại bà con hỏi gì…", "Ghi lại", "Đã ghi. Cảm ơn bạn!", "Số hộ hỏi thêm", "3")
    done("Báo hỏng…", "Báo kỹ thuật viên", "Đã báo kỹ thuật viên.", "Loa hỏng thế nào", "Loa rè")


def test_a_silent_cluster_is_looked_into_and_tried(finger):
    tom = finger("tom")
    tom.tap("link", "Cụm Cầu Đá")
    tom.tap("button", "Phát thử 5 giây")
    tom.page.get_by_text("Đã gửi lệnh").first.wait_for()
    assert tom.taps <= MOST


def test_tonights_programme_is_heard(own_site, finger):
    bob = finger("bob")
    bob.tap("link", "Chương trình chiều")
    player = bob.page.get_by_label("Nghe cả chương trình Chương trình chiều")
    player.evaluate("each => each.play()")  # the tap on the player's own button
    bob.taps += 1
    until(bob.page, "document.querySelector('audio').currentTime > 0.2")
    assert bob.taps <= MOST
    with reading(own_site.services.engine) as session:
        assert session.scalars(select(Airing).where(Airing.title == "Chương trình chiều")).first()


def test_the_approver_sees_how_much_was_listened_to(own_site, open_as):
    page = open_as(own_site, "bob", "/approvals/")
    card = page.locator("li.card", has_text="Lịch tiêm phòng").first
    card.locator("audio").evaluate("each => each.play()")
    card.get_by_text("Đã nghe").wait_for()
