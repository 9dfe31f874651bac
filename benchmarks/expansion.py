"""Expanding a province: 10,000 nodes, 1,300 areas, 200 schedules, 30 days.

    python -m benchmarks.expansion [--nodes N] [--areas N] [--schedules N] [--turns N]

Prints one line a measure, in milliseconds:
  pure       rules to dated occurrences, without database, beside plain dateutil.rrule doing just
             the dates of the same rules in the same run
  roll-over  every schedule expanded into an empty horizon, then again with nothing to do
  publish    every area's documents built, signed and stored, as after a restart
  edit       one schedule moved by two minutes: judged, expanded, its documents published; in one
             commune and in the whole province, each beside the same with a tenth of the nodes,
             turn about in the same run; medians
"""

import argparse
import gc
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
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


class Province:
    """Areas, nodes and schedules in a database of their own, with a desk that serves them."""

    def __init__(self, folder: Path, areas: int, nodes: int, count: int) -> None:
        self.engine = open_engine(sqlite_url(folder / "province.db"))
        schema.upgrade(self.engine)
        with transaction(self.engine) as session:
            root, communes = province(session, areas, nodes)
            clip_id = clip(session)
            made = [
                make_schedule(session, clip_id, communes[i % len(communes)], i)
                for i in range(count)
            ]
            made.append(make_schedule(session, clip_id, root, 7, minute=45))
            for schedule in made:
                schedule.status = Approval.APPROVED
            self.narrow, self.wide = made[0].id, made[-1].id
        self.desk = open_desk(self.engine, folder)
        self._minutes = itertools.cycle(range(48, 59, 2))

    def roll(self) -> None:
        with transaction(self.engine) as session:
            airings.roll(session, NOW)

    def edit(self, schedule_id: str) -> None:
        with transaction(self.engine) as session:
            schedule = session.get_one(Schedule, schedule_id)
            at = f"{schedule.starts_local[:13]}:{next(self._minutes):02}"
            data = replace(proposals.as_entered(schedule), starts_at=at)
            schedule_edits.update(session, SYSTEM, schedule_id, data, NOW)
            schedule_edits.accept(session, SYSTEM, schedule, NOW)
            area_ids = [area.area_id for area in schedule.areas]
        assert self.desk.refresh(area_ids) == 1


def edits(few: Province, many: Province, turns: int) -> list[tuple[float, float]]:
    """Medians of an edit in one commune, and in the province: with few nodes, with many."""

    def one(where: Province, schedule_id: str) -> float:
        gc.collect()  # what the other run left behind is no cost of this one
        return timed(lambda: where.edit(schedule_id))

    found = []
    for which in ("narrow", "wide"):
        pairs = [tuple(one(p, getattr(p, which)) for p in (few, many)) for _ in range(turns)]
        found.append(
            (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs))
        )
    return found


def measure(folder: Path, areas: int, nodes: int, count: int, turns: int) -> None:
    few, many = (
        Province(Path(tempfile.mkdtemp(dir=folder)), areas, each, count)
        for each in (nodes // 10, nodes)
    )
    few.roll()
    print(f"roll-over, empty horizon   {timed(many.roll):9.1f} ms  ({count} schedules)")
    print(f"roll-over, nothing to do   {timed(many.roll):9.1f} ms")
    few.desk.refresh()
    print(f"publish, every area        {timed(many.desk.refresh):9.1f} ms")
    names = ("edit in one commune", "edit in the province")
    for name, (one, other) in zip(names, edits(few, many, turns), strict=True):
        ratio = f"{other / one:.2f} × {nodes // 10} nodes"
        print(f"{name:26} {other:9.1f} ms  ({nodes} nodes; {ratio})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--areas", type=int, default=1_300)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    ours, plain = pure(options.schedules)
    print(f"pure expansion             {ours:9.1f} ms  ({ours / plain:.2f} × dateutil alone)")
    print(f"  dateutil.rrule alone     {plain:9.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.areas, options.nodes, options.schedules, options.turns)


if __name__ == "__main__":
    main()
