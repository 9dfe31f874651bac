"""Where alerts go: a technician sets their own by page and by API, an administrator sees all."""

import pytest

from controller.accounts import tokens
from controller.accounts.access import SYSTEM
from controller.database import reading, transaction
from controller.models import AlertTarget
from controller.upkeep import alerts
from tests.fakes.receivers import hooked

SECRET = {"name": "Tâm", "address": "mailtos://tam:bimat@gmail.com"}


@pytest.fixture
def call(app, services, village):
    """call(who, method, path, body) over the API."""

    def run(who, method, path, body=None):
        with transaction(services.engine) as session:
            user_id, now = village.users[who], services.clock()
            _, secret = tokens.create(session, SYSTEM, user_id, "máy", now)
        client = app.test_client(use_cookies=False)
        headers = {"Authorization": f"Bearer {secret}"}
        return client.open(f"/api/v1{path}", method=method, json=body, headers=headers)

    return run


def test_an_alert_target_is_added_without_showing_its_secret(visit, services, village):
    client = visit("tom")
    client.post("/settings/alerts/", data=SECRET)
    page = client.get("/settings/alerts/").text
    assert "Tâm" in page
    assert "bimat" not in page
    with reading(services.engine) as session:
        (target,) = session.query(AlertTarget).all()
        assert target.area_id == village.areas["commune"]
    assert "Tâm" in visit("alice").get("/settings/alerts/").text
    client.post(f"/settings/alerts/{target.id}/remove")
    assert "…@gmail.com" not in client.get("/settings/alerts/").text


def test_an_address_that_is_none_stays_in_the_form_with_what_to_do(visit):
    answer = visit("tom").post("/settings/alerts/", data={"name": "Tôm", "address": "tom@xa.vn"})
    assert answer.status_code == 422
    assert 'value="tom@xa.vn"' in answer.text
    assert "mailtos://" in answer.text


def test_an_alert_that_cannot_go_out_says_so(visit, services, village):
    with transaction(services.engine) as session:
        target = alerts.add(
            session, village.actor("alice"), village.areas["commune"], "T", "json://127.0.0.1:9/",
            services.clock(),
        ).id  # fmt: skip
    page = visit("alice").post(f"/settings/alerts/{target}/test", follow_redirects=True).text
    assert "Không gửi được" in page


def test_a_technician_sets_their_own_over_the_api(call, village):
    with hooked() as hook:
        address = f"json://tom:bimat@127.0.0.1:{hook.server_port}/xa"
        made = call("tom", "POST", "/alerts", {"name": "Tôm", "address": address})
        assert (made.status_code, made.json["area_id"]) == (201, village.areas["commune"])
        assert "bimat" not in made.text
        tried = call("tom", "POST", f"/alerts/{made.json['id']}/test")
        assert tried.json == {"sent": True}
    assert "tin thử" in hook.heard[0]["message"]
    assert [each["name"] for each in call("tom", "GET", "/alerts").json["items"]] == ["Tôm"]
    assert call("erin", "GET", "/alerts").status_code == 403
    assert call("tom", "DELETE", f"/alerts/{made.json['id']}").status_code == 204
    assert call("tom", "GET", "/alerts").json["items"] == []
    refused = call("tom", "POST", "/alerts", {"name": "Tôm", "address": "syslog://localhost"})
    assert refused.status_code == 422
