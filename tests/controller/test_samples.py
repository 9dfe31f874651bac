"""The sample content: six clips spoken and approved, and broadcasts that surprise nobody."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from audio_library.samples import SAMPLES
from controller import samples
from controller.database import reading, transaction
from controller.models import Airing, Approval, Clip, Schedule, Tune
from tests.controller.factories import NOW, make_clip

pytestmark = pytest.mark.slow


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


def test_a_missing_sample_is_spoken_and_approved(engine, store, cast, commune):
    with transaction(engine) as session:
        for sample in SAMPLES[1:]:
            make_clip(session, title=sample.title, area_id=commune)
    assert samples.make_clips(engine, store, cast.erin, cast.bob, commune) == 1
    with reading(engine) as session:
        title = SAMPLES[0].title
        clip = session.scalars(select(Clip).where(Clip.title == title)).one()
        (version,) = clip.versions
    assert (version.status, clip.topic, clip.app) == (
        Approval.APPROVED,
        SAMPLES[0].topic,
        SAMPLES[0].app,
    )
    assert store.has(version.sha256)
    assert samples.make_clips(engine, store, cast.erin, cast.bob, commune) == 0


def test_the_schedules_air_daily_from_hours_later_on(engine, cast, commune):
    with transaction(engine) as session:
        session.add(Tune(name="lang_que", title="", sha256="0" * 64, bytes=1, duration_ms=3000))
        for sample in SAMPLES:
            make_clip(session, title=sample.title, topic=sample.topic, area_id=commune)
    assert samples.make_schedule(engine, cast.erin, cast.bob, commune, NOW)
    assert samples.make_schedule(engine, cast.erin, cast.bob, commune, NOW) is None
    with reading(engine) as session:
        made = session.scalars(select(Schedule)).all()
        starts = session.scalars(select(Airing.starts_at)).all()
    assert {schedule.status for schedule in made} == {Approval.APPROVED}
    assert min(starts) >= NOW + timedelta(hours=2)
    assert len(starts) >= 2 * 30


def test_without_any_sample_there_is_nothing_to_schedule(engine, cast, commune):
    assert samples.make_schedule(engine, cast.erin, cast.bob, commune, NOW) is None
