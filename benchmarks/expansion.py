"""Expanding a province: 10,000 nodes, 1,300 areas, 200 schedules, 30 days.

    python -m benchmarks.expansion [--nodes N] [--areas N] [--schedules N]

Prints one line a measure, in milliseconds:
  pure       rules to dated occurrences, without database, beside plain dateutil.rrule doing just
             the dates of the same rules in the same run
  roll-over  every schedule expanded into an empty horizon, then again with nothing to do
  edit       one schedule of one commune: approved, expanded, its documents built
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dateutil.rrule import rrulestr
from sqlalchemy import insert
from sqlalchemy.orm import Session

from controller import airings, approvals, documents, schedules, schema
from controller.access import SYSTEM
from controller.calendar.recurrence import Rule, occurrences
from controller.calendar.rrule_text import RRule
from controller.database import open_engine, sqlite_url, transaction
from controller.models import Approval, Area, Clip, ClipVersion, Node, NodeMembership, Schedule
from controller.schedules import ItemInput, ScheduleInput

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
    return best(ours), best(plain)


def province(session: Session, areas: int, nodes: int) -> list[str]:
    """One province, its communes, and villages below them; returns the communes."""
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
    return communes


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


def make_schedule(session: Session, clip_id: str, commune: str, number: int) -> Schedule:
    data = ScheduleInput(
        title=f"Lịch {number}",
        items=[ItemInput(clip_id)],
        area_ids=[commune],
        starts_at=f"2026-11-01T{5 + number % 15:02}:{number % 60:02}",
        recurrence={"rrule": RULES[number % len(RULES)]},
    )
    return schedules.create(session, SYSTEM, data, NOW)[0]


def with_database(areas: int, nodes: int, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(sqlite_url(Path(folder) / "province.db"))
        schema.upgrade(engine)
        with transaction(engine) as session:
            communes = province(session, areas, nodes)
            clip_id = clip(session)
            made = [
                make_schedule(session, clip_id, communes[i % len(communes)], i)
                for i in range(count)
            ]
            for schedule in made[1:]:
                schedule.status = Approval.APPROVED
            first = made[0].id

        def roll() -> None:
            with transaction(engine) as session:
                airings.roll(session, NOW)

        print(f"roll-over, empty horizon   {timed(roll):9.1f} ms  ({count} schedules)")
        print(f"roll-over, nothing to do   {timed(roll):9.1f} ms")

        def edit() -> None:
            with transaction(engine) as session:
                schedule = approvals.approve_schedule(session, SYSTEM, first, NOW)
                for area in schedule.areas:
                    documents.area_document(session, area.area_id, NOW, 30)

        print(f"edit → document            {timed(edit):9.1f} ms  ({nodes} nodes)")
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--areas", type=int, default=1_300)
    parser.add_argument("--schedules", type=int, default=200)
    options = parser.parse_args()
    ours, plain = pure(options.schedules)
    print(f"pure expansion             {ours:9.1f} ms  ({ours / plain:.2f} × dateutil alone)")
    print(f"  dateutil.rrule alone     {plain:9.1f} ms")
    with_database(options.areas, options.nodes, options.schedules)


if __name__ == "__main__":
    main()
