"""Local times of a query mean the area's own clock."""

from datetime import UTC, datetime

from controller.accounts.access import SYSTEM
from controller.api.lists import as_instant
from controller.area_changes import area_edits
from controller.database import reading, transaction
from tests.support.commune import NOW


def test_a_local_time_is_in_the_areas_zone(services, commune):
    upper = commune.areas["upper"]
    with transaction(services.engine) as session:
        area_edits.update(session, SYSTEM, upper, {"timezone": "Asia/Tokyo"}, NOW)
    with reading(services.engine) as session:
        assert as_instant(session, "2026-11-22T12:00:00", upper) == datetime(
            2026, 11, 22, 3, tzinfo=UTC
        )
        assert as_instant(session, "2026-11-22T12:00:00", None) == datetime(
            2026, 11, 22, 5, tzinfo=UTC
        )
        assert as_instant(session, NOW, upper) is NOW
        assert as_instant(session, None, upper) is None
