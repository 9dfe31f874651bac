"""The same flow on a real PostgreSQL: upload, approve, schedule, play, report."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from controller.database import open_engine, reading
from controller.models import NodeReport
from tests.end_to_end.commune import Commune, evidence
from tests.end_to_end.recording import make_recording
from tests.support.postgres import running_postgres
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(240)]

SECONDS = 4


def workers(commune):
    """The processes that help the service take in reports, by their parent, the supervisor."""
    parent = commune.told["pids"]["controller"]
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in children if b"controller.ingest_worker" in command(pid)]


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


@pytest.fixture(scope="module")
def database_url():
    with running_postgres() as server:
        yield server.database("loalang")


def test_the_whole_flow_works_on_postgresql(database_url, tmp_path):
    with Commune.running(tmp_path, nodes=2, LOALANG_DATABASE_URL=database_url) as commune:
        clip = commune.upload(make_recording(tmp_path / "thu.wav", SECONDS, seed=None))
        commune.approve("clips", clip["id"])
        airing_id, _ = commune.schedule(clip, 15)
        wait_until(lambda: commune.ready(airing_id), 14, 0.2, what="the nodes to hold the clip")
        (helper,) = workers(commune)
        os.kill(helper, signal.SIGKILL)  # it is back in a moment, and nothing is lost meanwhile
        wait_until(lambda: set(workers(commune)) - {helper}, 10, 0.1, what="a new worker")
        expected = {node["code"]: "played" for node in commune.nodes}
        wait_until(lambda: commune.outcomes(airing_id) == expected, 40, 0.2, what=str(expected))
        library = commune.library_sound(clip, tmp_path)
        assert all(evidence(n, airing_id).likeness(library) > 0.9 for n in commune.nodes)
    engine = open_engine(database_url)
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(NodeReport)) >= 4
    engine.dispose()
