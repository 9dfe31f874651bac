"""The demo's commune: made once, found again, with nothing an outsider could guess."""

import stat
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from controller.accounts import people, tokens
from controller.database import open_engine, reading, sqlite_url, transaction
from controller.models import Area, ClaimCode, Node, Role, User
from controller.schema import upgrade
from controller.territory import areas
from deploy import demo_seed
from deploy.demo_seed import Secrets, seed, write_logins

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "loalang.db"))
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def known():
    return Secrets()


def count(engine, model):
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(model))


def test_two_communes_with_their_villages_and_as_many_nodes_as_asked(engine, known):
    seeded = seed(engine, known, 3, NOW)
    assert list(seeded.nodes) == ["loa-01", "loa-02", "loa-03"]
    assert set(known.claim_codes) == set(seeded.nodes)
    assert count(engine, Area) == 2 + 3 + 2
    with reading(engine) as session:
        assert session.get_one(Area, seeded.commune_id).name == "Xã Mẫu"


def test_the_open_commune_has_no_hours_and_lets_the_author_approve(engine, known):
    seeded = seed(engine, known, 1, NOW)
    with reading(engine) as session:
        policy = areas.effective(session, seeded.commune_id).policy
    assert policy.permit is None
    assert policy.approval.author_may_approve


def test_the_strict_commune_names_hours_two_people_and_its_source(engine, known):
    seed(engine, known, 1, NOW)
    with reading(engine) as session:
        strict = session.scalars(select(Area).where(Area.code == demo_seed.STRICT_COMMUNE)).one()
        policy = areas.effective(session, strict.id).policy
    assert len(policy.permit) == 2
    assert (policy.approval.author_may_approve, policy.approval.emergency_people) == (False, 2)
    assert policy.source


def test_a_second_run_makes_nothing_new_and_keeps_every_secret(engine, known, tmp_path):
    first = seed(engine, known, 3, NOW)
    known.write(tmp_path / "secrets.json")
    again = Secrets.read(tmp_path / "secrets.json")
    assert seed(engine, again, 3, NOW) == first
    assert again == known
    assert (count(engine, Node), count(engine, ClaimCode), count(engine, User)) == (3, 3, 5)


def test_more_nodes_on_a_second_run_are_added(engine, known):
    first = seed(engine, known, 1, NOW)
    second = seed(engine, known, 9, NOW)
    assert second.nodes["loa-01"] == first.nodes["loa-01"]
    assert len(second.nodes) == 9


def test_every_role_can_sign_in_with_the_password_written_down(engine, known, tmp_path):
    seed(engine, known, 1, NOW)
    text = write_logins(tmp_path / "logins.txt", "http://127.0.0.1:1", known)
    roles = set()
    with transaction(engine) as session:
        for line in text.splitlines()[1:]:
            user = people.authenticate(session, *line.split())
            roles.add(user.role)
    assert roles == set(Role) - {Role.VILLAGE_HEAD}
    assert stat.S_IMODE((tmp_path / "logins.txt").stat().st_mode) == 0o600


def test_the_token_is_an_administrator_s(engine, known):
    seed(engine, known, 1, NOW)
    with reading(engine) as session:
        actor = tokens.bearer(session, known.token, NOW)
    assert (actor.role, actor.area_id) == (Role.ADMINISTRATOR, None)


def test_passwords_that_were_lost_are_set_anew(engine, known):
    seed(engine, known, 1, NOW)
    lost = Secrets()
    seed(engine, lost, 1, NOW)
    assert lost.passwords.keys() == known.passwords.keys()
    assert lost.passwords["quantri"] != known.passwords["quantri"]


def test_nobody_is_online_before_a_device_was_bound(engine, known):
    seeded = seed(engine, known, 2, NOW)
    assert demo_seed.online(engine, set(seeded.nodes.values())) == set()
