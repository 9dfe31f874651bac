"""Second factors' secrets: nothing to be read in the database, nor moved to another user."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from controller.accounts import second_factor, totp
from controller.database import transaction
from controller.keys.factor_box import FactorBox, is_locked
from controller.models import SecondFactor, User

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def box(tmp_path):
    return FactorBox(tmp_path / "keys" / "factor.key")


def test_what_is_locked_opens_for_its_own_user_and_with_its_own_key_only(box, tmp_path):
    secret = totp.new_secret()
    kept = box.lock(secret, "u1")
    assert box.open(kept, "u1") == secret
    assert box.open(kept, "u2") is None
    assert FactorBox(tmp_path / "another.key").open(kept, "u1") is None
    assert secret not in kept
    assert box.lock(secret, "u1") != kept


@pytest.mark.parametrize("kept", ["", "!" * 64, "A" * 64, "A" * 63])
def test_a_row_that_is_damaged_opens_to_nothing(box, kept):
    assert box.open(kept, "u1") is None


def test_the_key_is_for_nobody_elses_eyes(box):
    box.lock("A" * 32, "u1")
    assert box.path.stat().st_mode & 0o777 == 0o600


def test_what_an_earlier_version_kept_open_still_counts_and_is_locked_away(engine, cast, box):
    user_id, secret = cast.actors["bob"].user_id, totp.new_secret()
    with transaction(engine) as session:
        row = SecondFactor(user_id=user_id, secret=secret, last_step=0, recovery=[])
        row.confirmed_at = NOW
        session.add(row)
    code = totp.code(secret, totp.step_of(NOW))
    with transaction(engine) as session:
        assert second_factor.check(session, box, user_id, code, NOW)
    with transaction(engine) as session:
        assert second_factor.lock_all(session, box) == 1
        assert second_factor.lock_all(session, box) == 0
        assert is_locked(session.scalars(select(SecondFactor.secret)).one())
    later = totp.step_of(NOW) + 1
    with transaction(engine) as session:
        assert second_factor.check(session, box, user_id, totp.code(secret, later), NOW)


def test_without_the_key_no_code_is_right_and_a_new_secret_can_be_begun(
    engine, cast, box, tmp_path
):
    with transaction(engine) as session:
        user = session.get_one(User, cast.actors["bob"].user_id)
        first = second_factor.begin(session, box, user)
        assert second_factor.begin(session, box, user) == first
        other = FactorBox(tmp_path / "another.key")
        assert second_factor.begin(session, other, user) != first
