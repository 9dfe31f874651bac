"""The daily roll-over, killed with SIGKILL wherever it happens to be, twenty times over five days.

A real service process with a real mosquitto; its clock is a day further on every day. After each
day the rows and what stands on the broker are compared with a plain list of what should air.
"""

import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from controller import settings
from controller.accounts.access import SYSTEM
from controller.database import open_engine, reading, transaction
from controller.keys import signing
from controller.models import Airing, Area, Document
from controller.mqtt.link import BrokerAddress, Link
from controller.planning.airings import airing_id, horizon
from controller.scheduling import approvals, schedules
from controller.schema import upgrade
from protocol.chunks import chunk_count
from protocol.codec import from_json
from protocol.envelope import MessageType, verify
from protocol.messages import ScheduleHead
from protocol.pages import unpack_page
from protocol.topics import Topic, Topics
from tests.controller.factories import DAY, make_clip, schedule_input
from tests.support.broker import Broker
from tests.support.commune import settle
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(560)]
TOPICS = Topics("main")
DAYS, KILLS_A_DAY, VILLAGES, SCHEDULES = 5, 4, 12, 24
FINISHES_S = 40
# The service as it is, with a clock that is some days ahead.
SERVICE = """
import os, sys
from datetime import UTC, datetime, timedelta
from controller import service, settings
ahead = timedelta(days=int(sys.argv[1]))
sys.exit(service.run(settings.load(os.environ), lambda: datetime.now(UTC) + ahead))
"""


class Site:
    """A commune of a dozen villages with two daily schedules each; a service that can be killed."""

    def __init__(self, folder, broker):
        self.folder = folder
        self.environment = {
            **os.environ,
            "LOALANG_DATA_DIR": str(folder / "data"),
            "LOALANG_BROKER_URL": broker.url,
        }
        loalang = {k: v for k, v in self.environment.items() if k.startswith("LOALANG_")}
        self.settings = settings.load(loalang)
        (folder / "data").mkdir()
        self.engine = open_engine(self.settings.database_url)
        upgrade(self.engine)
        self.began_at = datetime.now(UTC)
        self.daily = self._schedules(settle(self.engine).areas["commune"])
        self.retained, self.seqs = {}, {}
        self.eyes = Link(
            BrokerAddress.from_url(broker.url),
            "eyes",
            [TOPICS.schedule("+"), str(Topic("main", "blob", "+", "c", "+"))],
            make_will=None,
            on_up=lambda _: None,
            on_arrival=self._saw,
        )
        self.eyes.start()

    def _schedules(self, commune):
        """Schedule id → its village and the time of day, UTC, at which it airs."""
        found = {}
        with transaction(self.engine) as session:
            clip = make_clip(session, area_id=commune, duration_ms=60_000, now=self.began_at)
            villages = [
                Area(name=f"Thôn {i}", kind="thôn", parent_id=commune, created_at=self.began_at)
                for i in range(VILLAGES)
            ]
            session.add_all(villages)
            session.flush()
            for i in range(SCHEDULES):
                area_id = villages[i % VILLAGES].id
                first = (self.began_at + timedelta(minutes=30 + 10 * i)).replace(microsecond=0)
                data = schedule_input(
                    clip.id, area_id, first.isoformat(), recurrence={"rrule": "FREQ=DAILY"}
                )
                made, _ = schedules.create(session, SYSTEM, data, self.began_at)
                approvals.approve_schedule(session, SYSTEM, made.id, self.began_at)
                found[made.id] = (area_id, first)
        return found

    def _saw(self, arrival):
        self.eyes.acknowledge(arrival)
        self.retained[arrival.topic] = arrival.payload

    def started(self, day):
        with (self.folder / "service.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", SERVICE, str(day)],
                env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def due(self, day):
        """(schedule id, start) of everything up to that day's horizon, reckoned with a loop."""
        until = horizon(self.began_at + day * DAY)
        return {
            (key, first + n * DAY)
            for key, (_, first) in self.daily.items()
            for n in range(DAYS + 40)
            if first + n * DAY < until
        }

    def progress(self, day):
        """How many rows and documents of that day's roll-over are there, from none to all."""
        now = self.began_at + day * DAY
        with reading(self.engine) as session:
            rows = session.scalar(
                select(func.count())
                .select_from(Airing)
                .where(Airing.starts_at >= horizon(now - DAY), Airing.starts_at < horizon(now))
            )
            said = session.scalar(
                select(func.count()).select_from(Document).where(Document.published_at >= now)
            )
        return rows, said

    def head(self, area_id):
        """The area's document as the broker keeps it, if its signature is good."""
        raw = self.retained.get(TOPICS.schedule(area_id))
        if raw is None:
            return None
        key = signing.load_or_create(self.settings.signing_key_file).verify_key
        return from_json(ScheduleHead, verify(raw, MessageType.SCHEDULE, {key.kid: key}))

    def page(self, ref):
        """A page put together from the chunks on the broker; None while one is not there."""
        topics = [TOPICS.chunk(ref.sha256, i) for i in range(chunk_count(ref.bytes))]
        chunks = [self.retained.get(topic) for topic in topics]
        return unpack_page(b"".join(chunks)) if all(chunks) else None

    def is_complete(self, day):
        return all(self._stands(area_id, day) for area_id, _ in self.daily.values())

    def _stands(self, area_id, day):
        head = self.head(area_id)
        today = (self.began_at + day * DAY).date().isoformat()
        if head is None or head.until != horizon(self.began_at + day * DAY):
            return False
        pages = [self.page(ref) for ref in head.pages if ref.day >= today]
        if not all(pages):
            return False
        said = [airing.airing_id for page in pages for airing in page.airings]
        wanted = {
            airing_id(key, at)
            for key, at in self.due(day)
            if self.daily[key][0] == area_id and at.date().isoformat() >= today
        }
        assert len(said) == len(set(said)), "an airing stands twice in a document"
        return set(said) == wanted


@pytest.fixture
def site(tmp_path):
    with Broker.started(tmp_path / "broker") as broker:
        site = Site(tmp_path, broker)
        yield site
        site.eyes.stop()
        site.engine.dispose()


def test_a_roll_over_killed_anywhere_loses_and_doubles_nothing(site):
    chance = random.Random(20261122)
    struck = set()
    for day in range(DAYS):
        for _ in range(KILLS_A_DAY):
            service = site.started(day)
            goal = chance.randrange(SCHEDULES + VILLAGES + 1)
            try:
                wait_until(
                    lambda day=day, goal=goal, service=service: (
                        sum(site.progress(day)) >= goal and service.poll() is None
                    ),
                    FINISHES_S,
                    0.005,
                    what=f"step {goal} of day {day}",
                )
            finally:
                service.kill()
                service.wait(20)
            struck.add(site.progress(day))
        service = site.started(day)
        try:
            wait_until(lambda day=day: site.is_complete(day), FINISHES_S, 0.1)
        finally:
            service.kill()
            service.wait(20)
        with reading(site.engine) as session:
            rows = session.execute(
                select(Airing.schedule_id, Airing.starts_at).where(Airing.cancelled_at.is_(None))
            )
            found = [(key, at) for key, at in rows]
        assert len(found) == len(set(found))
        assert set(found) == site.due(day)
    assert len(struck) > DAYS, f"too few different places were struck: {sorted(struck)}"
