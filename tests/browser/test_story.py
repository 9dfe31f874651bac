"""The main job in a real browser: upload → new broadcast → approve → heard, live in the log."""

import wave
from datetime import UTC, datetime, timedelta

import numpy
import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.models import Airing, Device, DeviceBinding, Schedule
from controller.mqtt import reports
from controller.scheduling import schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from protocol.messages import Report, ReportBatch
from protocol.outcomes import Outcome, ReportKind
from tests.browser.conftest import overflow, sign_in
from tests.web.village import NOW, PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def recording(tmp_path):
    """Two seconds of a voice-like tone, as a phone's recorder might leave it."""
    t = numpy.arange(2 * 16_000) / 16_000
    tone = sum(numpy.sin(2 * numpy.pi * f * t) / i for i, f in enumerate((180, 360, 540, 720), 1))
    tone *= 0.25 * (0.6 + 0.4 * numpy.sin(2 * numpy.pi * 3 * t))
    path = tmp_path / "Ghi âm của tôi.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((tone * 20_000).astype("<i2").tobytes())
    return path


def report(site, airing_id, node_id, kind, **more):
    """What a node would send, through the controller's own ingest."""
    with transaction(site.services.engine) as session:
        binding = select(DeviceBinding).where(DeviceBinding.node_id == node_id)
        device = session.get(Device, session.scalars(binding).one().device_id)
        planned = session.get(Airing, airing_id).starts_at
        one = Report(
            seq=2 if kind is ReportKind.FINISHED else 1,
            kind=kind,
            airing_id=airing_id,
            planned_at=planned,
            at=planned,
            started_at=planned,
            **more,
        )
        batch = ReportBatch(store_epoch="e1", reports=(one,))
        reports.commit(session, [reports.Told(device.id, batch)], datetime.now(UTC), {})


def test_from_a_recording_to_the_log(own_site, signed_up, page, browser, watch, recording):
    site = own_site
    watch.over(page)
    sign_in(site, page, "erin")

    # Upload: three taps after signing in.
    page.get_by_role("link", name="Bản tin", exact=True).click()
    page.get_by_role("link", name="Tải tệp lên").click()
    page.set_input_files("#file", recording)
    page.fill("#title", "Họp dân thôn Hạ")
    page.select_option("#topic", "6")
    page.get_by_role("button", name="Gửi tệp").click()
    page.get_by_text("Đã nhận tệp, kiểm tra và chỉnh âm lượng xong.").wait_for()
    assert page.locator("svg.wave").is_visible()

    # New broadcast, from the clip's own page.
    page.get_by_role("link", name="Tạo lịch phát").click()
    page.fill("#date", "2026-11-22")
    page.fill("#time", "12:30")
    page.get_by_role("checkbox", name="Xã Tân Lập").uncheck()
    page.get_by_role("checkbox", name="Thôn Hạ", exact=True).check()
    summary = page.locator("#summary")
    summary.get_by_text("tại Thôn Hạ (1 cụm loa)").wait_for()
    summary.get_by_text("chưa được duyệt").wait_for()  # the clip still waits, and it is said
    page.get_by_role("button", name="Gửi duyệt").dblclick()
    page.get_by_text("Đã gửi duyệt.").wait_for()

    # The leader listens and approves, on another phone.
    with browser.new_context(locale="vi-VN", viewport={"width": 390, "height": 844}) as phone:
        leader = phone.new_page()
        watch.over(leader)
        sign_in(site, leader, "bob")
        leader.get_by_role("link", name="mục chờ duyệt").click()
        for done in ("Đã duyệt bản tin.", "Đã duyệt. Các cụm loa đang nhận lịch."):
            card = leader.locator("li.card", has_text="Họp dân thôn Hạ").first
            card.get_by_role("button", name="Duyệt").click()
            leader.get_by_text(done).wait_for()
        leader.locator("#queue", has_text="Họp dân thôn Hạ").wait_for(state="detached")

        # Double-clicking the button made one broadcast.
        with reading(site.services.engine) as session:
            query = select(Schedule).where(Schedule.title == "Họp dân thôn Hạ")
            (schedule,) = session.scalars(query).all()
            airing = session.scalars(select(Airing).where(Airing.schedule_id == schedule.id)).one()

        # Air time: the log is open on the leader's phone and nobody touches it.
        leader.goto(site.url + "/log/")
        leader.locator("body[data-connected]").wait_for()
        site.clock.now = airing.starts_at + timedelta(seconds=5)
        row = f"#row-{airing.id}-{site.village.nodes['Hạ']}"
        report(site, airing.id, site.village.nodes["Hạ"], ReportKind.STARTED)
        leader.locator(row).get_by_text("Đang phát").wait_for()
        report(
            site,
            airing.id,
            site.village.nodes["Hạ"],
            ReportKind.FINISHED,
            outcome=Outcome.PLAYED,
            ended_at=airing.ends_at,
            played_ms=2000,
            length_ms=2000,
        )
        leader.locator(row).get_by_text("Đã phát xong").wait_for()
        assert "12:30:00" in leader.locator(row).inner_text()
        assert overflow(leader) <= 0


def test_the_page_says_when_it_may_be_old(own_site, open_as, watch, context):
    watch.expected = ("ERR_",)
    page = open_as(own_site, "vera", "/")
    page.locator("body[data-connected]").wait_for()
    context.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_text("Mất liên lạc với máy chủ").wait_for()
    context.set_offline(False)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_text("Mất liên lạc với máy chủ").wait_for(state="hidden")


def test_a_draft_survives_a_closed_page(own_site, open_as):
    page = open_as(own_site, "erin", "/broadcasts/new")
    page.fill("#title", "Đang viết dở")
    page.get_by_label("Hằng tuần").check()
    page.goto(own_site.url + "/")
    page.goto(own_site.url + "/broadcasts/new")
    assert page.input_value("#title") == "Đang viết dở"
    assert page.get_by_label("Thứ 3").is_visible()


def test_an_emergency_must_be_held_not_tapped(own_site, signed_up, page, watch):
    watch.over(page)
    sign_in(own_site, page, "bob")
    page.get_by_role("link", name="Phát khẩn cấp").click()
    page.get_by_role("radio", name="Không cung cấp mã OTP").check()
    page.get_by_role("radio", name="DIỄN TẬP").check()
    page.fill("#password", PASSWORD)
    button = page.get_by_role("button", name="Giữ 2 giây để phát")
    button.click()
    assert page.url.endswith("/emergency/")
    button.hover()
    page.mouse.down()
    page.get_by_role("heading", name="DIỄN TẬP: đang phát").wait_for()
    page.mouse.up()
    page.get_by_role("button", name="Hủy lệnh phát").click()
    page.get_by_role("heading", name="DIỄN TẬP: đã hủy").wait_for()


def test_what_is_being_typed_survives_a_live_update(own_site, open_as):
    page = open_as(own_site, "bob", "/approvals/")
    page.locator("body[data-connected]").wait_for()
    card = page.locator(f"#schedule-{own_site.village.schedules['pending']}")
    card.locator("details.ask summary").click()
    card.locator("textarea").fill("Đổi sang 17:45")
    # Meanwhile somebody submits another broadcast, and the queue takes it in.
    data = ScheduleInput(
        title="Họp gấp",
        items=[ItemInput(own_site.village.clips[6])],
        area_ids=[own_site.village.areas["Đông"]],
        starts_at="2026-11-23T20:00",
    )
    with transaction(own_site.services.engine) as session:
        schedules.create(session, own_site.village.actor("erin"), data, NOW)
    page.get_by_role("link", name="Họp gấp").wait_for()
    assert card.locator("textarea").input_value() == "Đổi sang 17:45"
    assert card.locator("textarea").is_visible()
