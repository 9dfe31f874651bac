"""Today: what sounds now, what needs doing, how the day goes; and who may see it."""

from datetime import timedelta

from sqlalchemy import update

from controller.database import transaction
from controller.models import Clip, Playback
from tests.web.village import NOW, VILLAGES, airing_of


def test_it_says_what_is_on_the_air_and_where_it_sounds(visit):
    page = visit("alice").get("/").text
    assert "Đang phát" in page
    assert "An toàn trên mạng" in page
    assert "7/8 cụm loa đang phát" in page


def test_the_day_has_its_airings_with_their_end_or_readiness(visit):
    page = visit("alice").get("/").text
    assert "2/8 cụm loa chưa phát trọn" in page  # the morning: one missed, one cut off
    assert "7/8 sẵn sàng" in page  # the evening: one cluster has been away


def test_what_to_do_names_the_silent_cluster_and_what_waits(visit):
    page = visit("bob").get("/").text
    assert "1 cụm loa mất kết nối" in page
    assert "Cụm Bãi Sậy" in page
    assert "2 mục chờ duyệt" in page


def test_a_cluster_never_claimed_is_not_called_lost(visit):
    page = visit("charlie").get("/").text
    assert "1 cụm loa chưa kích hoạt" in page
    assert "mất kết nối" not in page.lower()


def test_who_may_not_approve_is_not_told_to(visit):
    assert "chờ duyệt" not in visit("vera").get("/").text


def test_a_viewer_is_offered_no_new_broadcast(visit):
    assert "/broadcasts/new" not in visit("vera").get("/").text
    assert "/broadcasts/new" in visit("erin").get("/").text


def test_an_outsider_sees_nothing_of_it(visit):
    page = visit("charlie").get("/").text
    assert not [name for name in VILLAGES if f"Cụm {name}" in page]
    assert "Bản tin sáng" not in page
    assert "Hôm nay chưa có lượt phát nào." in page


def test_the_next_broadcast_is_named_when_nothing_sounds(visit, clock):
    clock.now += timedelta(hours=1)
    page = visit("alice").get("/").text
    assert "Bây giờ không phát" in page
    assert "Chương trình chiều" in page


def test_the_live_part_is_the_same_as_on_the_page(visit):
    client = visit("alice")
    part = client.get("/today/live", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "An toàn trên mạng" in part


def test_times_are_those_of_the_commune(visit):
    page = visit("alice").get("/").text
    assert "chủ nhật 22/11/2026" in page
    assert "05:30" in page


def test_what_was_missed_is_caught_up_with_one_tap(visit, services, village):
    morning = airing_of(services, village.schedules["morning"], on="2026-11-22")
    page = visit("erin").get("/").text
    assert f"/log/catch-up/{morning.id}" in page
    assert "Phát bù lúc 12:" in page
    answer = visit("erin").post(f"/log/catch-up/{morning.id}")
    assert answer.location.startswith("/schedules/")
    assert f"/log/catch-up/{morning.id}" not in visit("erin").get("/").text
    assert "Phát bù lúc" not in visit("vera").get("/").text


def test_a_clip_about_to_expire_is_named_with_what_uses_it(visit, services, village):
    with transaction(services.engine) as session:
        version = session.get(Clip, village.clips[1]).versions[-1]
        version.valid_until = NOW + timedelta(days=3)
    page = visit("erin").get("/").text
    assert "Hết hạn 25/11/2026 (17/10 âm lịch): Nộp hồ sơ trên Cổng dịch vụ công" in page
    assert "đang dùng trong Bản tin sáng của xã" in page
    assert "Hết hạn" not in visit("charlie").get("/").text


def test_what_somebody_stopped_does_not_wait_for_reports(visit, services):
    with transaction(services.engine) as session:
        session.execute(
            update(Playback)
            .where(Playback.outcome.is_not(None))
            .values(outcome="stopped", reason="operator")
        )
    page = visit("alice").get("/").text
    assert "Đã dừng" in page
    assert "Đang chờ báo cáo của cụm loa" not in page
