"""`loalang token`."""

from datetime import UTC, datetime

from controller.accounts import tokens
from controller.database import reading
from controller.models import Role


def who(engine, secret):
    with reading(engine) as session:
        return tokens.bearer(session, secret, datetime.now(UTC))


def test_a_token_works_until_it_is_revoked(run, engine, commune):
    made = run("token", "create", "alice", "--role", "viewer", "--days", 30, "--json").json
    actor = who(engine, made["token"])
    assert actor is not None and actor.role is Role.VIEWER
    listed = run("token", "list", "alice", "--json").json
    assert made["id"] in {row["id"] for row in listed}
    assert "token" not in listed[0]
    assert run("token", "revoke", made["id"]).status == 0
    assert who(engine, made["token"]) is None


def test_a_wider_token_is_wrong_use(run):
    done = run("token", "create", "erin", "--role", "administrator")
    assert (done.status, done.out) == (2, "")


def test_a_token_lasts_some_days(run):
    assert run("token", "create", "erin", "--days", 0).status == 2
    assert run("token", "create", "erin", "--days", "many").status == 2
