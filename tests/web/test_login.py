"""Signing in and out, the one-time link, and what guessing meets."""

import pytest

from controller.accounts import people
from controller.accounts.access import SYSTEM
from controller.database import transaction
from tests.web.village import NOW, PASSWORD


@pytest.fixture
def with_password(services, village):
    with transaction(services.engine) as session:
        people.set_password(session, SYSTEM, village.users["bob"], PASSWORD, NOW)


def enter(client, password=PASSWORD, **more):
    return client.post("/login", data={"username": "bob", "password": password, **more})


def test_nobody_sees_a_page_without_signing_in(visit):
    answer = visit().get("/log/?area=x")
    assert answer.status_code == 302
    assert answer.location == "/login?next=/log/?area%3Dx"


def test_the_right_password_leads_where_one_was_going(visit, with_password):
    answer = enter(visit(), next="/log/")
    assert answer.location == "/log/"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_signing_in_leads_to_no_other_site(visit, with_password, elsewhere):
    assert enter(visit(), next=elsewhere).location == "/"


def test_a_wrong_password_says_neither_which_was_wrong(visit, with_password):
    client = visit()
    wrong_password = enter(client, "khong dung dau ban")
    wrong_name = client.post("/login", data={"username": "nobody", "password": "x"})
    assert wrong_password.status_code == wrong_name.status_code == 422
    sentence = "Tên đăng nhập hoặc mật khẩu chưa đúng."
    assert sentence in wrong_password.text
    assert sentence in wrong_name.text


def test_guessing_is_slowed_down(visit, with_password):
    client = visit()
    answers = [enter(client, f"doan lan thu {i}") for i in range(9)]
    assert answers[-1].status_code == 429
    assert "Thử quá nhiều lần" in answers[-1].text


def test_signing_out_ends_the_session(visit):
    client = visit("bob")
    client.post("/logout")
    assert client.get("/").status_code == 302


def test_a_raised_session_version_ends_every_session(visit, services, village):
    client = visit("bob")
    assert client.get("/").status_code == 200
    with transaction(services.engine) as session:
        people.lock(session, SYSTEM, village.users["bob"], NOW)
    assert client.get("/").status_code == 302


def test_a_one_time_link_sets_the_first_password_once(visit, services, village):
    with transaction(services.engine) as session:
        secret = people.new_link(session, SYSTEM, village.users["erin"], NOW)
    client = visit()
    # The secret does not stay in the address.
    assert client.get(f"/link/{secret}").location == "/set-password"
    assert "Trần Thị Én" in client.get("/set-password").text
    new = {"password": "con trau di truoc", "again": "con trau di truoc"}
    assert client.post("/set-password", data=new).location == "/"
    assert client.get("/").status_code == 200
    again = visit()
    again.get(f"/link/{secret}")
    refused = again.get("/set-password")
    assert refused.status_code == 404
    assert "Liên kết này đã dùng rồi hoặc quá hạn." in refused.text


def test_a_weak_password_is_refused_with_a_sentence(visit, services, village):
    with transaction(services.engine) as session:
        secret = people.new_link(session, SYSTEM, village.users["erin"], NOW)
    client = visit()
    client.get(f"/link/{secret}")
    answer = client.post("/set-password", data={"password": "ngan", "again": "ngan"})
    assert answer.status_code == 422
    assert "Mật khẩu cần từ 12" in answer.text


def test_one_changes_ones_own_password(visit, with_password):
    client = visit()
    enter(client)
    new = "con trau di truoc"
    data = {"old_password": PASSWORD, "password": new, "again": new}
    with client.session_transaction() as session:
        before = session["version"]
    assert client.post("/password", data=data).location == "/"
    with client.session_transaction() as session:
        assert session["version"] == before + 1
    assert client.get("/").status_code == 200
