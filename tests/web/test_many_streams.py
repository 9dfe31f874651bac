"""Twenty open pages: every other page still answers, and all twenty hear of a change."""

from datetime import UTC, datetime

from controller import changes
from controller.database import open_engine, transaction
from controller.settings import load
from tests.web.streams import gunicorn, until


def test_twenty_open_pages_hold_nobody_up(filled, tmp_path):
    with gunicorn(filled, tmp_path / "data") as (pages, _pid), pages.streams(20) as streams:
        for path in ("/", "/log/", "/nodes/", "/reports/"):
            assert pages.read("erin", path) == 200
        engine = open_engine(load({"LOALANG_DATA_DIR": str(tmp_path / "data")}).database_url)
        with transaction(engine) as session:
            village = filled.village.areas["Hạ"]
            changes.note(session, "playback", "x", village, datetime.now(UTC))
        engine.dispose()
        for stream in streams:
            assert until(stream, b"event: playback").startswith(b"event: playback")
