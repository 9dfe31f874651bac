"""Technicians hear of silent clusters and failed airings: once, together, of their area only."""

from datetime import timedelta

import pytest

from controller.accounts.access import SYSTEM
from controller.database import reading, transaction
from controller.errors import BadInput, NotAllowed, NotFound
from controller.fleet import node_story
from controller.models import EventKind, Node, Playback, User
from controller.mqtt import presence
from controller.outcomes import silence
from controller.scheduling import approvals, schedules
from controller.upkeep import alerts
from tests.controller.factories import NOW, make_clip, make_node, schedule_input, serve
from tests.fakes.receivers import hooked, posted

MINUTE = timedelta(minutes=1)


class Outbox:
    """Takes messages; `works` False: the mail server is down."""

    def __init__(self):
        self.sent, self.works = [], True

    def __call__(self, address, title, body):
        if self.works:
            self.sent.append((address, title, body))
        return self.works


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def silent(engine, cast):
    """A node of the upper village that went silent a quarter of an hour ago; a target for it."""
    with transaction(engine) as session:
        node = make_node(session, cast.areas["upper"])
        serve(session, node, online=False)
        alerts.add(
            session, cast.alice, cast.areas["commune"], "Tâm", "json://h/a", NOW - 60 * MINUTE
        )
        alerts.add(session, cast.charlie, cast.areas["elsewhere"], "Xa", "json://h/b", NOW - MINUTE)
        node_story.add(session, node.id, EventKind.WENT, NOW - 15 * MINUTE)
        return node.id


def test_a_silent_cluster_is_told_to_its_own_area_once(engine, silent, outbox):
    assert alerts.run(engine, NOW, outbox) == 1
    ((address, _title, body),) = outbox.sent
    assert address == "json://h/a"
    assert "mất kết nối" in body
    assert alerts.run(engine, NOW + 31 * MINUTE, outbox) == 0


def test_a_short_silence_is_no_news(engine, cast, outbox):
    with transaction(engine) as session:
        node = make_node(session, cast.areas["upper"])
        serve(session, node, online=False)
        alerts.add(session, SYSTEM, None, "Tâm", "json://h/a", NOW - 60 * MINUTE)
        node_story.add(session, node.id, EventKind.WENT, NOW - 2 * MINUTE)
    assert alerts.run(engine, NOW, outbox) == 0
    assert alerts.run(engine, NOW + 9 * MINUTE, outbox) == 1


def test_twenty_failures_are_one_message_and_the_next_waits(engine, cast, silent, outbox):
    alerts.run(engine, NOW, outbox)
    with transaction(engine) as session:
        for number in range(25):
            session.add(
                Playback(
                    planned_day=NOW.date(),
                    airing_id=f"airing{number}",
                    node_id=silent,
                    planned_at=NOW,
                    outcome="missed",
                    reason="powered_off",
                    presumed_outcome="missed",
                    presumed_at=NOW + MINUTE,
                )
            )
    assert alerts.run(engine, NOW + 5 * MINUTE, outbox) == 0
    assert alerts.run(engine, NOW + 31 * MINUTE, outbox) == 1
    body = outbox.sent[-1][2]
    assert len(body.splitlines()) == 21
    assert "… và 5 việc khác" in body


def test_a_message_speaks_as_people_there_do(engine, cast, silent, outbox):
    with transaction(engine) as session:
        session.get_one(Node, silent).card = {"key_holder": "Bà Sáu", "key_phone": "0912 345 678"}
        ended = {"missed": "powered_off", "played": ""}
        for outcome, reason in ended.items():
            row = Playback(planned_day=NOW.date(), airing_id=outcome, node_id=silent)
            row.planned_at = row.reported_at = NOW
            row.outcome, row.reason, row.heard_ms = outcome, reason, 0
            session.add(row)
    alerts.run(engine, NOW, outbox)
    assert outbox.sent[0][2].splitlines() == [
        "Cụm TH-01: mất kết nối từ 11:45 22/11 · chìa khóa: Bà Sáu, 0912 345 678",
        "Cụm TH-01: «missed» lúc 12:00 22/11: không phát được (mất điện hoặc máy dừng)",
        "Cụm TH-01: «played» lúc 12:00 22/11: đã phát nhưng micrô tại chỗ không nghe thấy gì",
    ]


def test_what_did_not_go_out_is_tried_again(engine, silent, outbox):
    outbox.works = False
    assert alerts.run(engine, NOW, outbox) == 0
    outbox.works = True
    assert alerts.run(engine, NOW + 31 * MINUTE, outbox) == 1


def test_an_address_nobody_understands_is_refused(engine, cast):
    with transaction(engine) as session, pytest.raises(BadInput):
        alerts.add(session, cast.alice, cast.areas["commune"], "Tâm", "tam@xa.vn", NOW)


def test_a_target_of_another_commune_does_not_exist(engine, cast, silent):
    with reading(engine) as session:
        theirs = alerts.listed(session, cast.charlie)[0].id
        with pytest.raises(NotFound):
            alerts.get(session, cast.alice, theirs)


def test_secrets_in_an_address_are_not_shown():
    assert alerts.shown("mailtos://tam:matkhau@gmail.com/?to=x") == "mailtos://…@gmail.com/?to=x"


def test_silence_and_failure_reach_a_technician_by_mail_and_webhook(engine, cast):
    """From the last word of a device and an airing without a report to what really arrives."""
    with posted() as mail, hooked() as hook:
        targets = {
            "thư": f"mailto://127.0.0.1:{mail.port}?from=loa@xa.vn&to=tom@xa.vn",
            "tin": f"json://127.0.0.1:{hook.server_port}/hook",
        }
        with transaction(engine) as session:
            node = make_node(session, cast.areas["upper"])
            serve(session, node)
            for name, address in targets.items():
                alerts.add(session, cast.tom, cast.areas["upper"], name, address, NOW)
            clip = make_clip(session, area_id=cast.areas["commune"])
            data = schedule_input(clip.id, cast.areas["upper"], "2026-11-22T12:30")
            schedule, _ = schedules.create(session, cast.erin, data, NOW)
            approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
        with transaction(engine) as session:
            assert presence.lose_silent(session, NOW + 4 * MINUTE) == 1
        assert alerts.run(engine, NOW + 14 * MINUTE) == 2
        with transaction(engine) as session:
            assert silence.presume(session, NOW + 50 * MINUTE, 5 * MINUTE) == 1
        assert alerts.run(engine, NOW + 51 * MINUTE) == 2
        assert alerts.run(engine, NOW + 90 * MINUTE) == 0
    assert [to for to, _ in mail.heard] == [["tom@xa.vn"]] * 2
    by_mail = [message.get_content() for _, message in mail.heard]
    by_hook = [each["message"] for each in hook.heard]
    for first, second in (by_mail, by_hook):
        assert "Cụm TH-01: mất kết nối từ 12:04 22/11" in first
        assert "Cụm TH-01: «Bản tin chiều» lúc 12:30 22/11: không phát được" in second


def test_a_technician_sets_their_own_and_sees_no_other(engine, cast, silent):
    with transaction(engine) as session:
        own = alerts.add(session, cast.tom, cast.areas["upper"], "Tôm", "json://h/t", NOW)
        assert [each.name for each in alerts.listed(session, cast.tom)] == ["Tôm"]
        assert {each.name for each in alerts.listed(session, cast.alice)} == {"Tôm", "Tâm"}
        (others,) = [each for each in alerts.listed(session, cast.alice) if each.id != own.id]
        with pytest.raises(NotAllowed):
            alerts.remove(session, cast.tom, others.id, NOW)
        with pytest.raises(NotFound):
            alerts.add(session, cast.tom, cast.areas["elsewhere"], "Tôm", "json://h/t", NOW)
        with pytest.raises(NotAllowed):
            alerts.add(session, cast.erin, cast.areas["upper"], "Én", "json://h/t", NOW)
        alerts.remove(session, cast.tom, own.id, NOW)


def test_who_has_left_hears_no_more(engine, cast, silent, outbox):
    with transaction(engine) as session:
        since = NOW - 60 * MINUTE
        alerts.add(session, cast.tom, cast.areas["upper"], "Tôm", "json://h/t", since)
        session.get_one(User, cast.tom.user_id).locked_at = NOW
    alerts.run(engine, NOW, outbox)
    assert [address for address, _, _ in outbox.sent] == ["json://h/a"]


def test_a_mail_keeps_its_lines_and_reads_no_markup():
    with posted() as mail:
        address = f"mailto://127.0.0.1:{mail.port}?from=loa@xa.vn&to=tom@xa.vn"
        assert alerts.send(address, "Loa Làng", "Cụm một\nCụm <b>hai")
    ((_, message),) = mail.heard
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == ["Cụm một", "Cụm <b>hai"]


@pytest.mark.parametrize("address", ["syslog://localhost", "dbus://", "mqtt://localhost/a", "h"])
def test_programs_of_this_machine_are_no_recipients(address):
    assert not alerts.understood(address)


def test_a_clip_in_use_is_named_a_week_and_a_day_before_it_expires(engine, cast, outbox):
    week, ends = timedelta(days=7), NOW + timedelta(days=10)
    with transaction(engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"], valid_until=ends)
        make_clip(session, title="Không dùng", area_id=cast.areas["commune"], valid_until=ends)
        data = schedule_input(clip.id, cast.areas["upper"], "2026-11-23T13:00")
        schedule, _ = schedules.create(session, cast.erin, data, NOW)
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
        alerts.add(session, cast.alice, cast.areas["commune"], "Xã", "json://h/a", NOW)
        alerts.add(session, cast.charlie, cast.areas["elsewhere"], "Xa", "json://h/b", NOW)
    sent = [
        alerts.run(engine, at, outbox)
        for at in (
            ends - week - MINUTE,
            ends - week,
            ends - week + 60 * MINUTE,
            ends - timedelta(hours=23),
            ends - timedelta(hours=22),
        )
    ]
    assert sent == [0, 1, 0, 1, 0]
    assert {address for address, _, _ in outbox.sent} == {"json://h/a"}
    body = outbox.sent[0][2]
    assert "«Cài VNeID» hết hạn lúc 12:00 02/12; còn dùng trong: " in body
    assert "Không dùng" not in body
