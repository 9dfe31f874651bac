"""One person for several communes: the union of their areas, and no more."""

from dataclasses import replace

import pytest

from controller.accounts import people, tokens, user_areas
from controller.accounts.access import SYSTEM, visible_areas
from controller.accounts.people import UserInput
from controller.area_changes import area_merge
from controller.errors import BadInput, NotAllowed, NotFound
from controller.library import clips
from controller.models import Role, User
from controller.scheduling import schedules
from controller.territory import areas
from tests.controller.factories import NOW, make_clip, schedule_input


@pytest.fixture
def tom(session, cast):
    """A technician of the commune who now serves the one next door too."""
    return user_areas.add(session, SYSTEM, cast.tom.user_id, cast.areas["elsewhere"], NOW)


def test_they_see_the_union_of_their_areas(session, cast, tom):
    actor = people.actor_of(tom)
    assert visible_areas(session, actor) == frozenset(cast.areas.values())
    seen = {area.id for area in areas.page(session, actor).items}
    assert seen == set(cast.areas.values())
    assert visible_areas(session, cast.bob) < set(cast.areas.values())


def test_what_lies_in_either_is_theirs_to_work_on(session, cast):
    user_areas.add(session, SYSTEM, cast.erin.user_id, cast.areas["elsewhere"], NOW)
    erin = people.actor_of(people.find(session, SYSTEM, "erin"))
    clip = make_clip(session, area_id=cast.areas["elsewhere"])
    assert clips.get(session, erin, clip.id) is clip
    data = schedule_input(clip.id, cast.areas["elsewhere"])
    made, _ = schedules.create(session, erin, data, NOW)
    assert made.id in {each.id for each in schedules.page(session, erin).items}
    with pytest.raises(NotFound):
        schedules.get(session, cast.bob, made.id)


def test_a_token_for_one_area_does_not_reach_the_other(session, cast, tom):
    _row, secret = tokens.create(
        session, SYSTEM, tom.id, "one", NOW, area_id=cast.areas["elsewhere"]
    )
    bearer = tokens.bearer(session, secret, NOW)
    assert bearer.area_ids == (cast.areas["elsewhere"],)
    _row, second = tokens.create(session, bearer, tom.id, "another", NOW)
    assert tokens.bearer(session, second, NOW).area_ids == (cast.areas["elsewhere"],)
    _row, whole = tokens.create(session, SYSTEM, tom.id, "all", NOW)
    assert tokens.bearer(session, whole, NOW).area_ids == tom.area_ids


def test_a_token_as_wide_as_the_own_area_stays_that_narrow(session, cast, tom):
    _row, secret = tokens.create(session, SYSTEM, tom.id, "own", NOW, area_id=tom.area_id)
    bearer = tokens.bearer(session, secret, NOW)
    _row, second = tokens.create(session, bearer, tom.id, "child", NOW)
    assert tokens.bearer(session, second, NOW).area_ids == (tom.area_id,)


def test_only_who_administers_all_of_it_changes_the_account(session, cast, tom):
    with pytest.raises(NotFound):
        people.lock(session, cast.alice, tom.id, NOW)
    with pytest.raises(NotFound):
        people.new_link(session, cast.alice, tom.id, NOW)
    with pytest.raises(NotFound):
        user_areas.remove(session, cast.alice, tom.id, cast.areas["elsewhere"], NOW)
    with pytest.raises(NotAllowed):
        user_areas.add(session, cast.bob, cast.vera.user_id, cast.areas["upper"], NOW)
    both = replace(cast.alice, also=(cast.areas["elsewhere"],))
    assert people.lock(session, both, tom.id, NOW).locked_at == NOW
    assert tom.id in {user.id for user in people.page(session, cast.alice).items}


def test_an_area_is_given_back_and_one_remains(session, cast, tom):
    home = tom.area_id
    version = tom.session_version
    user_areas.remove(session, SYSTEM, tom.id, home, NOW)
    assert tom.area_ids == (cast.areas["elsewhere"],)
    assert tom.session_version > version, "an open session would keep the old rights"
    with pytest.raises(BadInput, match="at least one area"):
        user_areas.remove(session, SYSTEM, tom.id, cast.areas["elsewhere"], NOW)


def test_nobody_widens_themselves(session, cast):
    with pytest.raises(NotAllowed):
        user_areas.add(session, cast.alice, cast.alice.user_id, cast.areas["upper"], NOW)
    everywhere, _ = people.create(
        session, SYSTEM, UserInput("tinh", "Tỉnh", Role.ADMINISTRATOR), NOW
    )
    with pytest.raises(BadInput, match="everywhere"):
        user_areas.add(session, SYSTEM, everywhere.id, cast.areas["upper"], NOW)


def test_a_merge_takes_them_along_once(session, cast):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    user = session.get(User, cast.charlie.user_id)
    for area_id in (upper, lower):
        user_areas.add(session, SYSTEM, user.id, area_id, NOW)
    area_merge.merge(session, SYSTEM, [upper], lower, NOW)
    session.expire_all()
    assert user.area_ids == (cast.areas["elsewhere"], lower)
