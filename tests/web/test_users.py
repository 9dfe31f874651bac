"""Users: a link instead of a password, and an administrator's reach."""

import re

import pytest
from sqlalchemy import update

from controller.database import reading, transaction
from controller.models import Area, User
from tests.web.village import NOW


@pytest.fixture
def alice(visit):
    return visit("alice")


def new(village, **more):
    values = {"username": "0912345678", "name": "Vũ Thị Mai", "role": "editor"}
    return {**values, "area_id": village.areas["Hạ"], **more}


def test_a_new_user_gets_a_link_that_is_shown_once(alice, visit, village):
    page = alice.post("/users/new", data=new(village), follow_redirects=True).text
    secret = re.search(r"/link/([\w-]+)", page)[1]
    assert secret not in alice.get("/users/").text
    guest = visit()
    guest.get(f"/link/{secret}")
    assert "Vũ Thị Mai" in guest.get("/set-password").text


def test_who_works_everywhere_stays_so_when_renamed(visit, village, services):
    with transaction(services.engine) as session:
        for name in ("alice", "vera"):
            session.get_one(User, village.users[name]).area_id = None
    page = visit("alice").get(f"/users/{village.users['vera']}").text
    assert '<option value="" selected>Tất cả các nơi</option>' in page
    data = {"name": "Vân Anh", "role": "viewer", "area_id": ""}
    visit("alice").post(f"/users/{village.users['vera']}", data=data)
    with reading(services.engine) as session:
        vera = session.get_one(User, village.users["vera"])
        assert (vera.name, vera.area_id) == ("Vân Anh", None)


def test_without_an_area_an_account_works_everywhere_and_the_form_says_so(services, visit, village):
    with transaction(services.engine) as session:
        session.get_one(User, village.users["alice"]).area_id = None
        session.execute(update(Area).values(closed_at=NOW))
    page = visit("alice").get("/users/new").text
    assert "Chưa có địa bàn nào" in page
    assert '<option value="">Tất cả các nơi</option>' in page


def test_a_taken_name_is_told_beside_the_field(alice, village):
    answer = alice.post("/users/new", data=new(village, username="bob"))
    assert answer.status_code == 409
    assert 'id="problem-username"' in answer.text


def test_a_locked_user_is_out_at_once_and_can_come_back(alice, visit, village, services):
    erin = visit("erin")
    alice.post(f"/users/{village.users['erin']}/lock")
    assert erin.get("/").status_code == 302
    alice.post(f"/users/{village.users['erin']}/unlock")
    with reading(services.engine) as session:
        assert session.get(User, village.users["erin"]).locked_at is None


def test_the_trail_says_who_did_what(alice, village):
    alice.post(f"/users/{village.users['erin']}/lock")
    page = alice.get("/users/").text
    assert "khóa tài khoản" in page
    assert "Nguyễn Thị An" in page


@pytest.mark.parametrize("who", ["bob", "erin", "tom", "vera", "hoa"])
def test_only_an_administrator_sees_users(visit, who):
    assert visit(who).get("/users/").status_code == 403
    assert visit(who).get("/users/new").status_code == 403


def test_an_administrator_of_elsewhere_reaches_nobody_here(visit, village):
    client = visit("charlie")
    assert "Trần Thị Én" not in client.get("/users/").text
    assert client.post(f"/users/{village.users['erin']}/lock").status_code == 404
    assert client.post("/users/new", data=new(village)).status_code == 404
