"""Expanding a province: 10,000 nodes, 1,300 areas, 200 schedules, 30 days.

    python -m benchmarks.expansion [--nodes N] [--areas N] [--schedules N]

Prints one line a measure, in milliseconds:
  pure       rules to dated occurrences, without database, beside plain dateutil.rrule doing just
             the dates of the same rules in the same run
  roll-over  every schedule expanded into an empty horizon, then again with nothing to do
  publish    every area's documents built, signed and stored, as after a restart
  edit       one schedule moved by ten minutes: judged, expanded, its documents published; in one
             commune and in the whole province, each beside the same with a tenth of the nodes
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from dateutil.rrule import rrulestr
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from controller import schema
from controller.accounts.access import SYSTEM
from controller.calendar.recurrence import Rule, occurrences
from controller.calendar.rrule_text import RRule
from controller.database import open_engine, sqlite_url, transaction
from controller.models import (
    Approval,
    Area,
    Clip,
    ClipVersion,
    Device,
    DeviceBinding,
    Node,
    NodeMembership,
    Schedule,
)
from controller.mqtt.clip_seeder import ClipSeeder
from controller.mqtt.ledger import FileLedger
from controller.mqtt.publisher import Publisher
from controller.planning import airings
from controller.publishing.desk import BlobSource, Desk
from controller.publishing.page_store import PageStore
from controller.scheduling import proposals, schedule_edits, schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from protocol.keys import SigningKey
from protocol.topics import Topics

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, 5, 30)  # noqa: DTZ001 - wall time
HANOI = "Asia/Ho_Chi_Minh"
RULES = (
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=MONTHLY;BYMONTHDAY=1,15",
)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of one run."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def best(work: Callable[[], object], runs: int = 5) -> float:
    return min(timed(work) for _ in range(runs))


def pure(count: int) -> tuple[float, float]:
    """Ours and plain dateutil's, over the same rules and the same 30 days."""
    texts = list(itertools.islice(itertools.cycle(RULES), count))
    rules = [Rule(rrule=RRule.parse(text)) for text in texts]
    until = NOW + timedelta(days=30)
    local_from, local_to = (t.replace(tzinfo=None) + timedelta(hours=7) for t in (NOW, until))

    def ours() -> int:
        return sum(len(list(occurrences(rule, HANOI, FIRST, NOW, until))) for rule in rules)

    def plain() -> int:
        found = (rrulestr(text, dtstart=FIRST) for text in texts)
        return sum(len(rule.between(local_from, local_to)) for rule in found)

    assert ours() == plain()
    # Turn about, so that whatever else this machine does slows both.
    turns = [(timed(ours), timed(plain)) for _ in range(9)]
    return min(ours_ms for ours_ms, _ in turns), min(plain_ms for _, plain_ms in turns)


def province(session: Session, areas: int, nodes: int) -> tuple[str, list[str]]:
    """One province, its communes, and villages below them, each node with its device."""
    root = Area(name="Tỉnh", kind="tỉnh", created_at=NOW, languages=["vi"])
    session.add(root)
    session.flush()
    communes = [f"c{i:06}" for i in range(max(areas // 13, 1))]
    villages = [f"v{i:06}" for i in range(areas - len(communes) - 1)]
    parents = [(c, root.id) for c in communes]
    parents += [(v, communes[i % len(communes)]) for i, v in enumerate(villages)]
    session.execute(
        insert(Area),
        [{"id": a, "parent_id": p, "name": a, "kind": "x", "created_at": NOW} for a, p in parents],
    )
    places = [villages[i % len(villages)] for i in range(nodes)]
    session.execute(
        insert(Node),
        [{"id": f"n{i}", "code": f"N{i}", "name": "n", "created_at": NOW} for i in range(nodes)],
    )
    session.execute(
        insert(NodeMembership),
        [{"node_id": f"n{i}", "from_at": NOW, "area_id": a} for i, a in enumerate(places)],
    )
    session.execute(
        insert(Device),
        [
            {
                "id": f"d{i}",
                "public_key": f"k{i}",
                "first_seen_at": NOW,
                "status": {"holds": ["0" * 64]},
            }
            for i in range(nodes)
        ],
    )
    session.execute(
        insert(DeviceBinding),
        [{"node_id": f"n{i}", "from_at": NOW, "device_id": f"d{i}"} for i in range(nodes)],
    )
    return root.id, communes


def clip(session: Session) -> str:
    made = Clip(title="Bản tin", topic=1, language="vi", created_at=NOW)
    session.add(made)
    session.flush()
    session.add(
        ClipVersion(
            clip_id=made.id, version=1, sha256="0" * 64, bytes=1, duration_ms=60_000,
            loudness_lufs=-16, true_peak_dbtp=-1, warnings=[], peaks=[], source_sha256="0" * 64,
            source_name="", source_format="", status=Approval.APPROVED, created_at=NOW,
        )
    )  # fmt: skip
    return made.id


def make_schedule(
    session: Session, clip_id: str, area_id: str, number: int, minute: int | None = None
) -> Schedule:
    """Every fourth by each of the rules; two minutes apart in the hour, and free after :46."""
    data = ScheduleInput(
        title=f"Lịch {number}",
        items=[ItemInput(clip_id)],
        area_ids=[area_id],
        starts_at=f"2026-11-01T{5 + number % 15:02}:{minute or number % 20 * 2:02}",
        recurrence={"rrule": RULES[number % len(RULES)]},
    )
    return schedules.create(session, SYSTEM, data, NOW)[0]


class _NoBroker:
    """Takes what is published; the service's link in its place."""

    def publish(self, *_: Any, **__: Any) -> None:
        pass


def open_desk(engine: Engine, folder: Path) -> Desk:
    """The service's own, without a broker."""
    link, topics = cast(Any, _NoBroker()), Topics("main")
    publisher = Publisher(engine, link, SigningKey.generate(), topics, lambda: NOW)
    pages = PageStore(folder / "pages")
    ledger = FileLedger(folder / "seeded.json")
    seeder = ClipSeeder(link.publish, topics, BlobSource(pages), ledger, time.monotonic)
    return Desk(engine, publisher, seeder, pages, 30, lambda: NOW)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each measure."""

    roll: float
    roll_again: float
    publish: float
    edit: float  # in one commune
    wide_edit: float  # in the whole province


def measured(areas: int, nodes: int, count: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(sqlite_url(Path(folder) / "province.db"))
        schema.upgrade(engine)
        with transaction(engine) as session:
            root, communes = province(session, areas, nodes)
            clip_id = clip(session)
            made = [
                make_schedule(session, clip_id, communes[i % len(communes)], i)
                for i in range(count)
            ]
            made.append(make_schedule(session, clip_id, root, 7, minute=45))
            for schedule in made:
                schedule.status = Approval.APPROVED
            narrow, wide = made[0].id, made[-1].id
        desk = open_desk(engine, Path(folder))

        def roll() -> None:
            with transaction(engine) as session:
                airings.roll(session, NOW)

        def edit(schedule_id: str, minute: int) -> None:
            with transaction(engine) as session:
                schedule = session.get_one(Schedule, schedule_id)
                hour = schedule.starts_local[:13]
                data = replace(proposals.as_entered(schedule), starts_at=f"{hour}:{minute:02}")
                schedule_edits.update(session, SYSTEM, schedule_id, data, NOW)
                schedule_edits.accept(session, SYSTEM, schedule, NOW)
                area_ids = [area.area_id for area in schedule.areas]
            assert desk.refresh(area_ids) == 1

        def edits(schedule_id: str) -> float:
            minutes = itertools.count(48, 2)
            return best(lambda: edit(schedule_id, next(minutes)), 3)

        found = Measured(timed(roll), timed(roll), timed(desk.refresh), edits(narrow), edits(wide))
        engine.dispose()
        return found


def report(few: Measured, many: Measured, nodes: int, count: int) -> None:
    print(f"roll-over, empty horizon   {many.roll:9.1f} ms  ({count} schedules)")
    print(f"roll-over, nothing to do   {many.roll_again:9.1f} ms")
    print(f"publish, every area        {many.publish:9.1f} ms")
    for name, one, other in (
        ("edit in one commune", many.edit, few.edit),
        ("edit in the province", many.wide_edit, few.wide_edit),
    ):
        print(f"{name:26} {one:9.1f} ms  ({nodes} nodes; {one / other:.2f} × {nodes // 10} nodes)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--areas", type=int, default=1_300)
    parser.add_argument("--schedules", type=int, default=200)
    options = parser.parse_args()
    ours, plain = pure(options.schedules)
    print(f"pure expansion             {ours:9.1f} ms  ({ours / plain:.2f} × dateutil alone)")
    print(f"  dateutil.rrule alone     {plain:9.1f} ms")
    few, many = (
        measured(options.areas, count, options.schedules)
        for count in (options.nodes // 10, options.nodes)
    )
    report(few, many, options.nodes, options.schedules)


if __name__ == "__main__":
    main()
