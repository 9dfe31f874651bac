"""Users, their one-time links and passwords, and who may touch whom."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts import people
from controller.accounts.access import SYSTEM, Actor
from controller.errors import BadInput, Conflict, NotAllowed, NotFound
from controller.models import AuditEntry, OneTimeLink, Role, User
from tests.support.commune import NOW, migrated_engine, settle

GOOD = "trâu cày ruộng sâu"


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


@pytest.fixture
def alice(session, commune):
    return actor(session, commune, "alice")


def actor(session, commune, name) -> Actor:
    return people.actor_of(session.get_one(User, commune.users[name]))


def newcomer(session, commune, actor, username="Dung"):
    data = people.UserInput(username, "  Dũng   Trần ", Role.EDITOR, commune.areas["upper"])
    return people.create(session, actor, data, NOW)


def test_a_new_user_has_no_password_and_one_link(session, commune, alice):
    user, secret = newcomer(session, commune, alice)
    assert (user.username, user.name) == ("dung", "Dũng Trần")
    assert user.password_hash is None
    assert people.authenticate(session, "dung", "") is None
    assert people.open_link(session, secret, NOW).id == user.id
    assert not session.scalars(select(OneTimeLink).where(OneTimeLink.secret_hash == secret)).all()


def test_the_link_sets_a_password_once(session, commune, alice):
    user, secret = newcomer(session, commune, alice)
    before = user.session_version
    people.use_link(session, secret, GOOD, NOW)
    signed_in = people.authenticate(session, " DUNG ", GOOD)
    assert signed_in is not None and signed_in.id == user.id
    assert user.session_version == before + 1
    with pytest.raises(NotFound):
        people.use_link(session, secret, GOOD + "!", NOW)


def test_an_expired_link_does_nothing(session, commune, alice):
    _user, secret = newcomer(session, commune, alice)
    with pytest.raises(NotFound):
        people.open_link(session, secret, NOW + people.LINK_LASTS)


def test_a_new_link_ends_the_old_one(session, commune, alice):
    user, old = newcomer(session, commune, alice)
    new = people.new_link(session, alice, user.id, NOW)
    with pytest.raises(NotFound):
        people.open_link(session, old, NOW)
    assert people.open_link(session, new, NOW).id == user.id


def test_a_weak_password_leaves_the_link_usable(session, commune, alice):
    _user, secret = newcomer(session, commune, alice)
    with pytest.raises(BadInput):
        people.use_link(session, secret, "123456789012", NOW)
    people.use_link(session, secret, GOOD, NOW)


def test_a_wrong_password_and_an_unknown_name_look_alike(session, commune, alice):
    _user, secret = newcomer(session, commune, alice)
    people.use_link(session, secret, GOOD, NOW)
    assert people.authenticate(session, "dung", "wrong") is None
    assert people.authenticate(session, "nobody", GOOD) is None


def test_a_locked_user_cannot_sign_in_until_unlocked(session, commune, alice):
    user, secret = newcomer(session, commune, alice)
    people.use_link(session, secret, GOOD, NOW)
    version = user.session_version
    people.lock(session, alice, user.id, NOW)
    assert people.authenticate(session, "dung", GOOD) is None
    assert user.session_version > version
    people.unlock(session, alice, user.id, NOW)
    assert people.authenticate(session, "dung", GOOD) is not None


def test_a_user_changes_their_own_password_knowing_the_old_one(session, commune, alice):
    user, secret = newcomer(session, commune, alice)
    people.use_link(session, secret, GOOD, NOW)
    with pytest.raises(BadInput) as refusal:
        people.change_password(session, people.actor_of(user), "wrong", GOOD + " 2", NOW)
    assert "old_password" in refusal.value.errors
    people.change_password(session, people.actor_of(user), GOOD, GOOD + " 2", NOW)
    assert people.authenticate(session, "dung", GOOD + " 2") is not None


def test_nobody_but_the_console_sets_anothers_password(session, commune, alice):
    with pytest.raises(NotAllowed):
        people.set_password(session, alice, commune.users["erin"], GOOD, NOW)
    people.set_password(session, SYSTEM, commune.users["erin"], GOOD, NOW)
    assert people.authenticate(session, "erin", GOOD) is not None


def test_a_taken_username_is_a_conflict(session, commune, alice):
    newcomer(session, commune, alice)
    with pytest.raises(Conflict, match="dung"):
        newcomer(session, commune, alice, "DUNG")


def test_bad_fields_are_named(session, commune, alice):
    data = people.UserInput("Dũng!", "  ", Role.EDITOR, commune.areas["upper"], "fr")
    with pytest.raises(BadInput) as refusal:
        people.create(session, alice, data, NOW)
    assert set(refusal.value.errors) == {"username", "name", "language"}


def test_charlie_sees_nobody_here(session, commune):
    charlie = actor(session, commune, "charlie")
    with pytest.raises(NotFound):
        people.get(session, charlie, commune.users["erin"])
    for act in (people.lock, people.unlock, people.new_link):
        with pytest.raises(NotFound):
            act(session, charlie, commune.users["erin"], NOW)
    with pytest.raises(NotFound):
        people.find(session, charlie, "erin")
    with pytest.raises(NotFound):
        newcomer(session, commune, charlie)
    assert [user.username for user in people.page(session, charlie).items] == ["charlie"]


def test_an_administrator_of_a_commune_makes_none_of_everywhere(session, alice):
    data = people.UserInput("eve", "Eve", Role.ADMINISTRATOR, None)
    with pytest.raises(NotFound):
        people.create(session, alice, data, NOW)


def test_an_editor_makes_no_users(session, commune):
    erin = actor(session, commune, "erin")
    with pytest.raises(NotAllowed):
        newcomer(session, commune, erin)
    with pytest.raises(NotAllowed):
        people.update(session, erin, commune.users["erin"], {"role": Role.ADMINISTRATOR}, NOW)


def test_a_changed_right_ends_sessions_and_cannot_be_ones_own(session, commune, alice):
    erin = session.get_one(User, commune.users["erin"])
    before = erin.session_version
    people.update(session, alice, erin.id, {"name": "Erin B"}, NOW)
    assert erin.session_version == before
    people.update(session, alice, erin.id, {"role": Role.APPROVER}, NOW)
    assert erin.session_version == before + 1
    with pytest.raises(NotAllowed):
        people.update(session, alice, alice.user_id or "", {"role": Role.VIEWER}, NOW)
    with pytest.raises(NotAllowed):
        people.lock(session, alice, alice.user_id or "", NOW)


def test_a_user_cannot_be_moved_out_of_the_administrators_areas(session, commune, alice):
    with pytest.raises(NotFound):
        people.update(
            session, alice, commune.users["erin"], {"area_id": commune.areas["elsewhere"]}, NOW
        )


def test_users_are_listed_a_page_at_a_time(session, alice):
    first = people.page(session, alice, limit=3)
    assert [user.username for user in first.items] == ["alice", "bob", "erin"]
    rest = people.page(session, alice, limit=3, cursor=first.next_cursor)
    assert [user.username for user in rest.items] == ["tom", "vera"]
    assert rest.next_cursor is None


def test_what_was_done_is_in_the_audit_log(session, commune, alice):
    user, secret = newcomer(session, commune, alice)
    people.use_link(session, secret, GOOD, NOW + timedelta(minutes=1))
    rows = session.scalars(select(AuditEntry).where(AuditEntry.subject_id == user.id)).all()
    assert [(row.action, row.user_id) for row in rows] == [
        ("user.create", alice.user_id),
        ("user.password", user.id),
    ]
    assert GOOD not in str([row.detail for row in rows])
