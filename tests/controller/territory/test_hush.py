"""A village kept silent: by its own head, for a time, and not against the commune's word."""

from datetime import timedelta

import pytest

from controller.accounts.access import Actor
from controller.database import reading, transaction
from controller.emergency import area_states
from controller.errors import BadInput, NotAllowed, NotFound
from controller.models import Role
from controller.territory import hush
from tests.controller.factories import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def head(cast):
    return Actor(None, "Hoa", Role.VILLAGE_HEAD, cast.areas["upper"])


def muted(engine, area_id):
    with reading(engine) as session:
        return area_states.area_state(session, area_id, NOW).muted_until


def test_a_head_mutes_their_village_and_lets_it_sound_again(engine, cast, head):
    upper = cast.areas["upper"]
    with transaction(engine) as session:
        hush.until(session, head, upper, NOW, NOW + HOUR)
    assert muted(engine, upper) == NOW + HOUR
    with transaction(engine) as session:
        hush.until(session, head, upper, NOW, None)
    assert muted(engine, upper) is None


def test_another_village_does_not_exist_for_a_head(engine, cast, head):
    with transaction(engine) as session, pytest.raises(NotFound):
        hush.until(session, head, cast.areas["lower"], NOW, NOW + HOUR)


def test_what_the_commune_muted_only_the_commune_lifts(engine, cast, head):
    upper = cast.areas["upper"]
    with transaction(engine) as session:
        hush.until(session, cast.erin, upper, NOW, NOW + HOUR)
    with transaction(engine) as session, pytest.raises(NotAllowed):
        hush.until(session, head, upper, NOW, None)
    with transaction(engine) as session:
        hush.until(session, cast.bob, upper, NOW, None)
    assert muted(engine, upper) is None


@pytest.mark.parametrize("end", [NOW, NOW - HOUR, NOW + timedelta(days=32)])
def test_a_time_gone_by_or_far_away_is_refused(engine, cast, head, end):
    with transaction(engine) as session, pytest.raises(BadInput):
        hush.until(session, head, cast.areas["upper"], NOW, end)
