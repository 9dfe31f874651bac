"""A commune at noon for the pages to show: eight villages, six clips, a morning that went mostly
well and one cluster that did not, a strict commune next door, and who works there.

Alice administers the commune, Bob approves, Erin edits, Tom is its technician, Vera only looks;
Charlie administers the commune next door and must see nothing of this one.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from audio_library.assembly import signature_tune
from controller.accounts import people
from controller.accounts.access import SYSTEM, Actor
from controller.accounts.people import UserInput
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.database import reading, transaction
from controller.fleet import node_care, node_story
from controller.models import (
    Airing,
    Approval,
    BrowserSession,
    EventKind,
    Playback,
    Role,
    Tune,
)
from controller.scheduling import approvals, schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from tests.controller.factories import add_version, make_clip, make_node, serve

# A Sunday, 12:10 in Viet Nam.
NOW = datetime(2026, 11, 22, 5, 10, tzinfo=UTC)
PASSWORD = "loa phuong nghe ro"
CAST = {
    "alice": ("Nguyễn Thị An", Role.ADMINISTRATOR),
    "bob": ("Lê Văn Bách", Role.APPROVER),
    "erin": ("Trần Thị Én", Role.EDITOR),
    "tom": ("Phạm Văn Tâm", Role.TECHNICIAN),
    "hoa": ("Đỗ Thị Hoa", Role.VILLAGE_HEAD),
    "vera": ("Hoàng Thị Vân", Role.VIEWER),
    "charlie": ("Người Xã Khác", Role.ADMINISTRATOR),
}
VILLAGES = ("Đông", "Đoài", "Trung", "Hạ", "Thượng", "Bãi Sậy", "Cầu Đá", "Đồng Mít")
CLIPS = (
    ("Nộp hồ sơ trên Cổng dịch vụ công", 1, "Cổng dịch vụ công", 135_000),
    ("Thanh toán tiền điện bằng VNPT Money", 2, "VNPT Money", 105_000),
    ("Bán hàng trên sàn Postmart", 3, "Postmart", 150_000),
    ("Cài VNeID mức độ 2", 4, "VNeID", 125_000),
    ("Không cung cấp mã OTP cho người lạ", 5, None, 95_000),
    ("Lịch tiêm phòng vắc xin tháng 11", 6, None, 60_000),
)


@dataclass
class Village:
    """Ids by name."""

    users: dict = field(default_factory=dict)
    areas: dict = field(default_factory=dict)
    nodes: dict = field(default_factory=dict)
    clips: dict = field(default_factory=dict)
    schedules: dict = field(default_factory=dict)

    def actor(self, name):
        role = CAST[name][1]
        area = {"charlie": "elsewhere", "hoa": "Hạ"}.get(name, "commune")
        return Actor(self.users[name], CAST[name][0], role, self.areas[area])


def settle(services, now=NOW, password=False):
    """Fill the database; with `password` every user can also sign in."""
    tune = signature_tune("lang_que", services.store)
    village = Village()
    with transaction(services.engine) as session:
        session.add(
            Tune(
                name="lang_que",
                title="Làng quê",
                sha256=tune.sha256,
                bytes=tune.bytes,
                duration_ms=tune.duration_ms,
            )
        )
        _areas(session, village, now)
        _people(session, village, now, password)
        _clips(session, village, now)
        _nodes(session, village, now)
    # The morning's schedules were made yesterday, so that this morning has airings.
    with transaction(services.engine) as session:
        _schedules(session, village, now - timedelta(days=2))
    with transaction(services.engine) as session:
        _morning(session, village, now)
        _pending(session, village, now)
    return village


def _areas(session, village, now):
    def area(key, name, kind, parent=None, **more):
        data = AreaInput(name, kind, parent_id=village.areas.get(parent), **more)
        village.areas[key] = area_edits.create(session, SYSTEM, data, now).id

    two_people = {"approval": {"author_may_approve": True, "emergency_people": 1}}
    area("commune", "Xã Tân Lập", "xã", policy=two_people)
    for name in VILLAGES:
        area(name, f"Thôn {name}", "thôn", "commune")
    area("elsewhere", "Xã Khác", "xã")
    area("far", "Thôn Xa", "thôn", "elsewhere")


def _people(session, village, now, password):
    for name, (full_name, role) in CAST.items():
        area = {"charlie": "elsewhere", "hoa": "Hạ"}.get(name, "commune")
        data = UserInput(name, full_name, role, village.areas[area])
        user, _secret = people.create(session, SYSTEM, data, now)
        village.users[name] = user.id
        signed_in(session, user.id, now)
        if password:
            people.set_password(session, SYSTEM, user.id, PASSWORD, now)


def signed_in(session, user_id, now=NOW):
    """A browser in which the user is signed in; `cookie_of` is what it carries."""
    row = BrowserSession(user_id=user_id, kept=True, begun_at=now, seen_at=now)
    row.id, row.agent, row.proven_at = f"browser{user_id}", "Chrome · Android", now
    session.add(row)


def cookie_of(user_id, language="vi"):
    return {"user": user_id, "version": 1, "sid": f"browser{user_id}", "language": language}


def _clips(session, village, now):
    sound = session.scalars(select(Tune).order_by(Tune.name)).first()
    for title, topic, app, length_ms in CLIPS:
        clip = make_clip(
            session,
            title=title,
            topic=topic,
            area_id=village.areas["commune"],
            author=village.users["erin"],
            duration_ms=length_ms,
            now=now - timedelta(days=topic),
        )
        clip.app = app
        _give_sound(clip.versions[-1], sound)
        village.clips[topic] = clip.id
    new = session.get_one(type(clip), village.clips[4])
    version = add_version(
        session, new, status=Approval.PENDING, duration_ms=118_000, author=village.users["erin"]
    )
    version.text = "Bà con mở ứng dụng VNeID, chọn «Định danh mức 2» rồi mang theo căn cước."
    _give_sound(version, sound)


def _give_sound(version, tune):
    version.sha256, version.bytes = tune.sha256, tune.bytes
    version.source_sha256 = tune.sha256
    version.peaks = [round(100 * abs(math.sin(i / 5) * math.cos(i / 17))) for i in range(160)]


def _nodes(session, village, now):
    for number, name in enumerate(VILLAGES, 1):
        node = make_node(session, village.areas[name], f"TL-{number:02}", now=now - _DAYS)
        node.name = f"Cụm {name}"
        online = name != "Bãi Sậy"
        seen = now - (timedelta(seconds=20) if online else timedelta(minutes=47))
        held = session.scalars(select(Tune.sha256)).all()
        device = serve(session, node, holds=held if online else (), online=online, now=seen)
        device.first_seen_at = now - _DAYS
        node.lat, node.lon = 21.03 + 0.006 * math.sin(number), 105.85 + 0.009 * math.cos(number * 2)
        village.nodes[name] = node.id
        if name == "Cầu Đá":
            _befell(session, node, device, now)
    far = make_node(session, village.areas["far"], "XK-01", now=now - _DAYS)
    village.nodes["far"] = far.id


def _befell(session, node, device, now):
    """A cluster with weak power: what its technician finds."""
    board = {"temperature_c": 61.2, "signal_pct": 18, "link": "4G", "card_life_pct": 40}
    board |= {"under_voltage": True, "boot_reason": "power"}
    device.status = {**device.status, "board": board, "free_bytes": 9_300_000_000, "outbox": 2}
    node.card = {
        "directions": "Đi hết đường bê tông, qua cầu, cột thứ hai bên trái",
        "key_holder": "Bà Lê Thị Sáu, quán nước đầu cầu",
        "key_phone": "0912 345 678",
        "power": "Cầu dao riêng trong nhà văn hóa thôn",
        "head": "Ông Trần Văn Bảy",
        "head_phone": "0987 654 321",
    }
    for hours, kind in ((31, "went"), (30, "restarted"), (30, "came"), (7, "went"), (6, "came")):
        node_story.add(session, node.id, EventKind(kind), now - timedelta(hours=hours))
    technician = Actor(None, "Tâm", Role.TECHNICIAN)
    text = "Ổ cắm lỏng, đã thay.\nDây nguồn cũ, cần mua dây ngắn hơn."
    node_care.add_note(session, technician, node.id, text, now - timedelta(days=9))


def _schedules(session, village, now):
    def schedule(key, title, topics, time, recurrence, day=22, **more):
        data = ScheduleInput(
            title=title,
            items=[ItemInput(village.clips[topic]) for topic in topics],
            area_ids=[village.areas["commune"]],
            starts_at=f"2026-11-{day:02}T{time}",
            recurrence=recurrence,
            tune="lang_que",
            **more,
        )
        made, _draft = schedules.create(session, village.actor("erin"), data, now)
        approvals.approve_schedule(session, village.actor("bob"), made.id, now)
        village.schedules[key] = made.id

    schedule("morning", "Bản tin sáng của xã", [4, 1], "05:30", {"rrule": "FREQ=DAILY"}, 21)
    schedule("noon", "An toàn trên mạng", [5], "12:09", None)
    weekly = {"rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR,SU"}
    schedule("evening", "Chương trình chiều", [2, 3], "17:00", weekly)


_DAYS = timedelta(days=40)


def _morning(session, village, now):
    """This morning played everywhere but at Bãi Sậy; noon is on the air."""
    for schedule, finished in (("morning", True), ("noon", False)):
        query = select(Airing).where(
            Airing.schedule_id == village.schedules[schedule],
            Airing.starts_at > now - timedelta(hours=12),
            Airing.starts_at <= now,
        )
        airing = session.scalars(query).one()
        for name in VILLAGES:
            if name == "Bãi Sậy" and not finished:
                continue
            session.add(_playback(airing, village.nodes[name], name, finished))


def _playback(airing, node_id, name, finished):
    length = round((airing.ends_at - airing.starts_at).total_seconds() * 1000)
    row = Playback(
        planned_day=airing.starts_at.date(),
        airing_id=airing.id,
        node_id=node_id,
        planned_at=airing.starts_at,
        started_at=airing.starts_at,
        length_ms=length,
    )
    if not finished:
        return row
    row.outcome, row.played_ms, row.ended_at = "played", length, airing.ends_at
    row.start_error_ms = 1.5
    row.reported_at = airing.ends_at + timedelta(seconds=2)
    if name == "Bãi Sậy":
        row.outcome, row.reason = "missed", "offline_unknown"
        row.presumed_outcome, row.presumed_reason = "missed", "offline_unknown"
        row.presumed_at, row.reported_at = airing.ends_at, None
        row.started_at = row.ended_at = row.played_ms = row.start_error_ms = None
    if name == "Cầu Đá":
        row.outcome, row.reason = "interrupted", "powered_off"
        row.played_ms = length // 3
        row.ended_at = airing.starts_at + timedelta(milliseconds=length // 3)
    return row


def _pending(session, village, now):
    data = ScheduleInput(
        title="Lịch tiêm phòng",
        items=[ItemInput(village.clips[6], times=2, gap_s=3)],
        area_ids=[village.areas["Hạ"], village.areas["Trung"]],
        starts_at="2026-11-23T17:30",
    )
    made, _draft = schedules.create(session, village.actor("erin"), data, now)
    village.schedules["pending"] = made.id


def airing_of(services, schedule_id, on="2026-11-01"):
    """The schedule's first airing from that local day on."""
    from_ = datetime.fromisoformat(f"{on}T00:00+00:00") - timedelta(hours=7)
    with reading(services.engine) as session:
        query = select(Airing).where(Airing.schedule_id == schedule_id, Airing.starts_at >= from_)
        return session.scalars(query.order_by(Airing.starts_at)).first()
