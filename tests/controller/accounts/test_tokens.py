"""API tokens: hashed, narrower than their owner, and over when they should be."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts import people, tokens
from controller.accounts.access import SYSTEM
from controller.errors import BadInput, NotFound
from controller.models import ApiToken, Role, User
from tests.support.commune import NOW, migrated_engine, settle


@pytest.fixture
def engine(tmp_path):
    engine = migrated_engine(tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def commune(engine):
    return settle(engine)


@pytest.fixture
def session(engine, commune):
    with Session(engine, expire_on_commit=False) as session:
        yield session


def make(session, commune, name="alice", **narrower):
    return tokens.create(session, SYSTEM, commune.users[name], "script", NOW, **narrower)


def test_a_token_acts_as_its_owner(session, commune):
    _row, secret = make(session, commune)
    actor = tokens.bearer(session, secret, NOW)
    assert actor is not None
    assert (actor.user_id, actor.role) == (commune.users["alice"], Role.ADMINISTRATOR)
    assert actor.area_id == commune.areas["commune"]


def test_only_the_hash_is_kept(session, commune):
    row, secret = make(session, commune)
    assert secret.startswith("loa_")
    assert secret not in str(vars(row))


def test_an_unknown_token_is_nobody(session):
    assert tokens.bearer(session, "loa_made-up", NOW) is None
    assert tokens.bearer(session, "\udcff", NOW) is None


def test_a_token_may_be_narrower(session, commune):
    _row, secret = make(session, commune, role=Role.VIEWER, area_id=commune.areas["upper"])
    actor = tokens.bearer(session, secret, NOW)
    assert actor is not None
    assert (actor.role, actor.area_id) == (Role.VIEWER, commune.areas["upper"])


def test_a_token_is_never_wider(session, commune):
    with pytest.raises(BadInput):
        make(session, commune, "erin", role=Role.APPROVER)
    with pytest.raises(BadInput):
        make(session, commune, "bob", role=Role.TECHNICIAN)
    with pytest.raises(NotFound):
        make(session, commune, area_id=commune.areas["elsewhere"])


def test_a_token_made_with_a_narrow_token_is_as_narrow(session, commune):
    _row, secret = make(session, commune, role=Role.VIEWER, area_id=commune.areas["upper"])
    narrow = tokens.bearer(session, secret, NOW)
    assert narrow is not None
    row, _secret = tokens.create(session, narrow, commune.users["alice"], "child", NOW)
    assert (row.role, row.area_id) == (Role.VIEWER, commune.areas["upper"])
    with pytest.raises(BadInput):
        tokens.create(
            session, narrow, commune.users["alice"], "child", NOW, role=Role.ADMINISTRATOR
        )


def test_nobody_makes_a_token_for_somebody_else(session, commune):
    alice = people.actor_of(session.get_one(User, commune.users["alice"]))
    with pytest.raises(NotFound):
        tokens.create(session, alice, commune.users["bob"], "two people in one", NOW)


def test_an_expired_or_revoked_token_is_nobody(session, commune):
    _row, short = make(session, commune, expires_at=NOW + timedelta(hours=1))
    assert tokens.bearer(session, short, NOW) is not None
    assert tokens.bearer(session, short, NOW + timedelta(hours=1)) is None
    row, secret = make(session, commune)
    tokens.revoke(session, SYSTEM, row.id, NOW)
    assert tokens.bearer(session, secret, NOW) is None


def test_a_locked_owner_takes_the_token_along(session, commune):
    _row, secret = make(session, commune, "erin")
    people.lock(session, SYSTEM, commune.users["erin"], NOW)
    assert tokens.bearer(session, secret, NOW) is None


def test_an_owner_who_was_given_less_takes_a_wider_token_along(session, commune):
    _row, secret = make(session, commune, "erin", role=Role.EDITOR)
    _row, local = make(session, commune, "bob", area_id=commune.areas["upper"])
    people.update(session, SYSTEM, commune.users["erin"], {"role": Role.VIEWER}, NOW)
    people.update(session, SYSTEM, commune.users["bob"], {"area_id": commune.areas["lower"]}, NOW)
    assert tokens.bearer(session, secret, NOW) is None
    assert tokens.bearer(session, local, NOW) is None


def test_only_owner_and_administrator_list_and_revoke(session, commune):
    row, _secret = make(session, commune, "erin")
    others = {n: people.actor_of(session.get_one(User, i)) for n, i in commune.users.items()}
    for name in ("bob", "charlie"):
        with pytest.raises(NotFound):
            tokens.revoke(session, others[name], row.id, NOW)
        with pytest.raises(NotFound):
            tokens.owned_by(session, others[name], commune.users["erin"])
    assert row.id in [t.id for t in tokens.owned_by(session, others["erin"], row.user_id)]
    tokens.revoke(session, others["alice"], row.id, NOW)
    assert session.scalar(select(ApiToken.revoked_at).where(ApiToken.id == row.id)) == NOW
