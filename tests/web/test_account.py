"""The second factor and the list of sessions, from turning on to a lost phone."""

import re
from datetime import timedelta

import pytest

from controller.accounts import people, second_factor, totp
from controller.accounts.access import SYSTEM
from controller.database import reading, transaction
from controller.models import BrowserSession, SecondFactor, User
from tests.web.village import NOW, PASSWORD


@pytest.fixture
def with_password(services, village):
    with transaction(services.engine) as session:
        people.set_password(session, SYSTEM, village.users["bob"], PASSWORD, NOW)


DAY = timedelta(days=1)


def enter(client, **more):
    return client.post("/login", data={"username": "bob", "password": PASSWORD, **more})


def secret_of(services, user_id):
    with reading(services.engine) as session:
        kept = session.get_one(SecondFactor, user_id).secret
    return services.settings.factor_box.open(kept, user_id)


def now_code(services, village, clock, name="bob"):
    return totp.code(secret_of(services, village.users[name]), totp.step_of(clock.now))


@pytest.fixture
def phone(visit, services, village, with_password, clock):
    """Bob has turned it on; the codes on his paper."""
    client = visit()
    enter(client)
    page = client.get("/account/factor").text
    assert "<svg" in page
    data = {"code": now_code(services, village, clock)}
    assert client.post("/account/factor", data=data).location == "/account/"
    page = client.get("/account/").text
    clock.now += timedelta(minutes=1)  # the next code
    return re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", page)


def test_a_wrong_code_does_not_turn_it_on(visit, services, village):
    client = visit("bob")
    client.get("/account/factor")
    answer = client.post("/account/factor", data={"code": "000000"})
    assert answer.status_code == 422
    assert "Mã chưa đúng" in answer.text
    with reading(services.engine) as session:
        assert not second_factor.is_on(session, village.users["bob"])


def test_the_password_alone_signs_nobody_in(visit, phone):
    client = visit()
    assert enter(client).location == "/login/code"
    assert client.get("/").status_code == 302
    assert client.post("/login/code", data={"code": "000000"}).status_code == 422
    assert client.get("/").status_code == 302


def test_the_code_from_the_phone_signs_in_once(visit, phone, services, village, clock):
    code = now_code(services, village, clock)
    first, second = visit(), visit()
    for client in (first, second):
        enter(client, next="/log/")
    assert first.post("/login/code", data={"code": code}).location == "/log/"
    assert first.get("/").status_code == 200
    assert second.post("/login/code", data={"code": code}).status_code == 422


def test_a_code_on_paper_signs_in_once(visit, phone):
    assert len(phone) == 10
    for expected in (302, 422):
        client = visit()
        enter(client)
        assert client.post("/login/code", data={"code": phone[0]}).status_code == expected


def test_an_old_password_step_is_forgotten(visit, phone, services, village, clock):
    client = visit()
    enter(client)
    clock.now += timedelta(minutes=11)
    answer = client.post("/login/code", data={"code": now_code(services, village, clock)})
    assert answer.location == "/login"


def test_guessing_codes_is_slowed_down(visit, phone):
    client = visit()
    enter(client)
    answers = [client.post("/login/code", data={"code": f"{i:06}"}) for i in range(9)]
    assert answers[-1].status_code == 429


def test_an_administrator_helps_with_a_lost_phone(visit, phone, services, village):
    assert "Tắt hai bước" in visit("alice").get("/users/").text
    visit("alice").post(f"/users/{village.users['bob']}/factor")
    client = visit()
    assert enter(client).location == "/"


def test_the_rule_sends_an_approver_to_turn_it_on(visit, services, village):
    with transaction(services.engine) as session:
        second_factor.require_it(session, SYSTEM, True, NOW)
    assert visit("bob").get("/log/").location == "/account/factor"
    assert visit("bob").get("/account/factor").status_code == 200
    assert visit("erin").get("/log/").status_code == 200


def test_an_emergency_asks_for_a_code_after_a_while(visit, phone, services, village, clock):
    client = visit()
    enter(client, keep="on")
    client.post("/login/code", data={"code": now_code(services, village, clock)})
    form = {"clip_id": village.clips[5], "area_ids": village.areas["Hạ"], "kind": "drill"}
    form["password"] = PASSWORD
    assert 'name="code"' not in client.get("/emergency/").text
    clock.now += timedelta(minutes=16)
    assert 'name="code"' in client.get("/emergency/").text
    assert client.post("/emergency/", data=form).status_code == 422
    form["code"] = now_code(services, village, clock)
    assert client.post("/emergency/", data=form).status_code == 302


PEOPLE = ("alice", "bob", "erin", "tom", "vera", "hoa")  # one of every role


@pytest.mark.parametrize("who", PEOPLE)
def test_a_known_phone_stays_for_ninety_days(who, visit, services, village, clock):
    with transaction(services.engine) as session:
        people.set_password(session, SYSTEM, village.users[who], PASSWORD, NOW)
    client, other = visit(), visit()
    enter(client, username=who, keep="on")
    enter(other, username=who)
    clock.now += 89 * DAY
    assert client.get("/").status_code == 200
    assert "nhớ trong 90 ngày" in client.get("/account/").text
    assert other.get("/").status_code == 302
    clock.now += 23 * timedelta(hours=1)
    assert client.get("/").status_code == 200
    clock.now += timedelta(hours=2)  # used a moment ago, and yet
    assert client.get("/").status_code == 302
    assert services.clock() - NOW > 90 * DAY


def test_a_known_phone_with_a_second_factor_asks_for_no_code_in_ninety_days(
    visit, phone, services, village, clock
):
    client = visit()
    enter(client, keep="on")
    assert client.get("/").status_code == 302  # not before the code
    client.post("/login/code", data={"code": now_code(services, village, clock)})
    begun = clock.now
    for days in (1, 89):
        clock.now = begun + days * DAY
        assert client.get("/").status_code == 200
    clock.now = begun + 91 * DAY
    assert client.get("/").status_code == 302
    assert "/login/code" in enter(client, keep="on").location


def test_a_browser_in_use_all_day_is_not_known_forever(visit, with_password, services, clock):
    client = visit()
    enter(client)
    for left, status in ((timedelta(hours=1), 200), (timedelta(0), 302)):
        clock.now = NOW + 90 * DAY - left
        with transaction(services.engine) as session:
            session.query(BrowserSession).update({"seen_at": clock.now - timedelta(hours=1)})
        assert client.get("/account/").status_code == status


def test_one_browser_is_signed_out_from_another(visit, with_password, services, village):
    phone, desk = visit(), visit()
    enter(phone, keep="on")
    enter(desk)
    with phone.session_transaction() as session:
        lost = session["sid"]
    assert desk.get("/account/").text.count("Đăng xuất máy này") >= 1
    desk.post(f"/account/sessions/{lost}/end")
    assert phone.get("/").status_code == 302
    assert desk.get("/").status_code == 200


def test_nobody_ends_somebody_else_s_session(visit, with_password, services, village):
    client = visit()
    enter(client)
    with client.session_transaction() as session:
        sid = session["sid"]
    assert visit("erin").post(f"/account/sessions/{sid}/end").status_code == 404
    with reading(services.engine) as session:
        assert session.get_one(BrowserSession, sid).ended_at is None


def test_only_who_administers_everything_sets_the_rule(visit, services, village):
    assert visit("alice").post("/settings/factor", data={"required": "on"}).status_code == 403
    with transaction(services.engine) as session:
        session.get_one(User, village.users["alice"]).area_id = None
    client = visit("alice")
    assert client.post("/settings/factor", data={"required": "on"}).status_code == 302
    assert visit("bob").get("/log/").location == "/account/factor"
