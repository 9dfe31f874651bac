"""`loalang user`."""

import pytest

from controller.accounts import people
from controller.database import reading
from tests.support.commune import NOW


def signed_in(engine, username, password):
    with reading(engine) as session:
        return people.authenticate(session, username, password) is not None


def test_a_new_person_gets_a_link(run, engine, commune):
    made = run(
        *("user", "add", "--username", "Hoa", "--name", "Hoa", "--role", "editor"),
        *("--area", commune.areas["upper"], "--json"),
    ).json
    assert (made["username"], made["role"]) == ("hoa", "editor")
    address, _, secret = made["link"].rpartition("/link/")
    assert address == "http://127.0.0.1:8080"
    with reading(engine) as session:
        assert people.open_link(session, secret, NOW).username == "hoa"


def test_everybody_is_listed(run):
    listed = run("user", "list")
    assert listed.out.splitlines()[0].split()[:3] == ["username", "name", "role"]
    assert "erin" in listed.out
    assert {user["username"] for user in run("user", "list", "--json").json} >= {"alice", "erin"}


def test_a_password_is_piped_in(run, engine):
    done = run("user", "password", "erin", typed="trâu cày ruộng sâu\n")
    assert (done.status, done.out) == (0, "The password is set.\n")
    assert signed_in(engine, "erin", "trâu cày ruộng sâu")


def test_a_weak_password_is_wrong_use(run, engine):
    done = run("user", "password", "erin", typed="123456789012\n")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("password: ")
    assert len(done.err.splitlines()) == 1


def test_a_person_is_changed_shut_out_and_let_back_in(run):
    assert run("user", "update", "erin", "--role", "approver", "--json").json["role"] == "approver"
    assert run("user", "update", "erin", "--area", "", "--json").json["area_id"] is None
    assert run("user", "lock", "erin", "--json").json["locked_at"]
    assert run("user", "unlock", "erin", "--json").json["locked_at"] is None
    assert run("user", "show", "erin", "--json").json["role"] == "approver"


def test_a_new_link_is_printed(run):
    assert "/link/" in run("user", "link", "erin", "--json").json["link"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["user", "show", "nobody"], 1),
        (["user", "add", "--username", "erin", "--name", "E", "--role", "viewer"], 1),
        (["user", "add", "--username", "é", "--name", "E", "--role", "viewer"], 2),
        (["user", "add", "--username", "x", "--name", "E", "--role", "king"], 2),
        (["user", "add", "--username", "xx", "--name", "E", "--role", "viewer", "--area", "?"], 1),
        (["user"], 2),
    ],
)
def test_a_refusal_is_one_sentence_on_stderr(run, words, status):
    done = run(*words)
    assert (done.status, done.out) == (status, "")
    assert len(done.err.splitlines()) == 1


def test_acting_as_somebody_has_their_rights_only(run):
    refused = run("user", "lock", "bob", "--as", "erin")
    assert refused.status == 1
    assert run("user", "lock", "bob", "--as", "alice").status == 0


def test_a_person_serves_several_communes(run, commune):
    both = [commune.areas["commune"], commune.areas["elsewhere"]]
    words = ("user", "update", "erin", "--add-area", both[1], "--json")
    assert run(*words).json["area_ids"] == both
    gone = run("user", "update", "erin", "--remove-area", both[0], "--json")
    assert gone.json["area_ids"] == both[1:]
    last = run("user", "update", "erin", "--remove-area", both[1])
    assert last.status == 2
    assert "at least one area" in last.err
