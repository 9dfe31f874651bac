"""Who may do what, and where."""

import pytest

from controller.accounts import access
from controller.accounts.access import SYSTEM, Action
from controller.errors import NotAllowed, NotFound
from controller.models import Role


def test_an_actor_sees_their_area_and_all_below(session, cast):
    own = [cast.areas[name] for name in ("commune", "upper", "lower")]
    assert access.visible_areas(session, cast.vera) == frozenset(own)
    assert access.visible_areas(session, SYSTEM) is None


def test_outside_the_own_areas_nothing_exists(session, cast):
    with pytest.raises(NotFound):
        access.require(session, cast.charlie, Action.VIEW, cast.areas["upper"])
    with pytest.raises(NotFound):
        access.require(session, cast.alice, Action.ADMINISTER, None)


def test_a_role_too_small_is_told_so(session, cast):
    with pytest.raises(NotAllowed):
        access.require(session, cast.vera, Action.UPLOAD, cast.areas["upper"])


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {Action.VIEW}),
        (Role.VILLAGE_HEAD, {Action.VIEW, Action.FEEDBACK, Action.HUSH}),
        (Role.TECHNICIAN, {Action.VIEW, Action.OPERATE}),
        (Role.ADMINISTRATOR, set(Action)),
    ],
)
def test_each_role_may_do_its_own_work(role, allowed):
    actor = access.Actor("u", "U", role)
    assert {action for action in Action if access.may(actor, action)} == allowed
