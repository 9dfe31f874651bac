"""What tests of the controller put into the database: people, places, clips and schedules."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller import schema
from controller.accounts.access import SYSTEM, Actor
from controller.database import open_engine, sqlite_url
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.models import Approval, Clip, ClipVersion, Device, DeviceBinding, Role
from controller.scheduling.schedules import ItemInput, ScheduleInput
from tests.support.commune import CAST, settle

# A Sunday, 12:00 in Viet Nam.
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cast:
    """Actors by name (alice, bob, erin, tom, vera, charlie) and area ids by name."""

    actors: dict
    areas: dict

    def __getattr__(self, name):
        return self.actors[name]


@dataclass(frozen=True)
class Settled:
    path: Path
    actors: dict = field(default_factory=dict)
    areas: dict = field(default_factory=dict)


def settled_database(path):
    """Migrate a file and settle the cast of `tests.support.commune` in it."""
    engine = open_engine(sqlite_url(path))
    schema.upgrade(engine)
    commune = settle(engine)
    engine.dispose()  # the last connection to close takes the WAL into the file
    return Settled(path, actors_of(commune), commune.areas)


def actors_of(commune):
    return {
        name: Actor(commune.users[name], name.title(), Role(role), commune.areas[area])
        for name, (role, area) in CAST.items()
    }


def make_clip(
    session,
    *,
    title="Cài VNeID",
    area_id=None,
    author=None,
    status=Approval.APPROVED,
    duration_ms=60_000,
    language="vi",
    topic=1,
    translation_of=None,
    valid_from=None,
    valid_until=None,
    now=NOW,
):
    """A clip with one version, without any sound behind it."""
    clip = Clip(
        title=title,
        topic=topic,
        language=language,
        area_id=area_id,
        translation_of=translation_of,
        created_by=author,
        created_at=now,
    )
    session.add(clip)
    session.flush()
    add_version(
        session,
        clip,
        status=status,
        duration_ms=duration_ms,
        author=author,
        valid_from=valid_from,
        valid_until=valid_until,
        now=now,
    )
    return clip


def add_version(
    session,
    clip,
    *,
    status=Approval.APPROVED,
    duration_ms=60_000,
    author=None,
    valid_from=None,
    valid_until=None,
    now=NOW,
):
    number = len(clip.versions) + 1
    version = ClipVersion(
        clip_id=clip.id,
        version=number,
        sha256=sha(f"{clip.id}/{number}"),
        bytes=240_000,
        duration_ms=duration_ms,
        loudness_lufs=-16.0,
        true_peak_dbtp=-2.0,
        warnings=[],
        peaks=[],
        source_sha256=sha(f"{clip.id}/{number}/source"),
        source_name="thu.mp3",
        source_format="mp3",
        status=status,
        valid_from=valid_from,
        valid_until=valid_until,
        created_by=author,
        created_at=now,
    )
    session.add(version)
    session.flush()
    session.expire(clip, ["versions"])
    return version


def make_node(session, area_id, code="TH-01", *, now=NOW - 30 * DAY, languages=None):
    """A node without hardware."""
    node, _code = nodes.create(
        session, SYSTEM, NodeInput(f"Cụm {code}", code, area_id, languages=languages), now
    )
    return node


def serve(session, node, *, holds=(), online=True, now=NOW, problems=()):
    """A device that serves the node and has said what it holds."""
    device = Device(
        id=sha(node.id)[:32],
        public_key=sha(node.code),
        first_seen_at=now,
        last_seen_at=now,
        online=online,
        status={"holds": list(holds), "problems": list(problems), "clock": {"trusted": True}},
    )
    session.add(device)
    session.flush()
    session.add(DeviceBinding(node_id=node.id, from_at=now - 30 * DAY, device_id=device.id))
    session.flush()
    return device


def schedule_input(clip_ids, area_ids, starts_at="2026-11-23T17:00", **more):
    """What an official would enter; one clip once unless told otherwise."""
    ids = [clip_ids] if isinstance(clip_ids, str) else clip_ids
    areas = [area_ids] if isinstance(area_ids, str) else area_ids
    values = {"title": "Bản tin chiều", "items": [ItemInput(each) for each in ids], **more}
    return ScheduleInput(area_ids=areas, starts_at=starts_at, **values)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()
