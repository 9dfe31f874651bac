"""Forms: forged ones are refused, and one sent twice acts once."""

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

import web
from controller.database import reading
from controller.models import Schedule


def broadcast(village, **more):
    values = {
        "title": "Họp thôn",
        "clips": village.clips[6],
        "area_ids": village.areas["Hạ"],
        "date": "2026-11-24",
        "time": "19:00",
        "repeat": "once",
    }
    return {**values, **more}


def count(services):
    with reading(services.engine) as session:
        return session.scalar(select(func.count()).select_from(Schedule))


def test_a_form_without_its_token_is_refused(app, visit, village, services):
    app.config["WTF_CSRF_ENABLED"] = True
    before = count(services)
    answer = visit("erin").post("/broadcasts/new", data=broadcast(village))
    assert answer.status_code == 400
    assert "Trang này đã cũ" in answer.text
    assert count(services) == before


def test_a_form_with_its_token_is_taken(app, visit, village):
    app.config["WTF_CSRF_ENABLED"] = True
    client = visit("erin")
    page = client.get("/broadcasts/new").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    data = broadcast(village, csrf_token=token)
    assert client.post("/broadcasts/new", data=data).status_code == 302


def test_the_api_takes_no_cookie(visit):
    answer = visit("alice").get("/api/v1/areas")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


def test_a_double_tap_makes_one_broadcast(visit, village, services):
    client, before = visit("erin"), count(services)
    data = broadcast(village, once="khoa-1")
    first, second = (client.post("/broadcasts/new", data=data) for _ in range(2))
    assert first.location == second.location
    assert count(services) == before + 1


def test_the_second_of_two_taps_shows_what_the_first_was_told(app, visit, village):
    client = visit("erin")
    name = app.config["SESSION_COOKIE_NAME"]
    before = client.get_cookie(name).value
    data = broadcast(village, once="two-taps-told")
    client.post("/broadcasts/new", data=data)
    client.set_cookie(name, before)  # the browser sent both before it heard the first answer
    shown = client.post("/broadcasts/new", data=data, follow_redirects=True).text
    assert shown.count("Đã gửi duyệt. Lịch phát khi người duyệt đồng ý.") == 1


def test_a_refused_form_may_be_sent_again(visit, village, services):
    client, before = visit("erin"), count(services)
    refused = client.post("/broadcasts/new", data=broadcast(village, once="k", title=""))
    assert refused.status_code == 422
    assert client.post("/broadcasts/new", data=broadcast(village, once="k")).status_code == 302
    assert count(services) == before + 1


@pytest.mark.parametrize("name", ["once", "csrf_token"])
def test_every_form_that_changes_something_carries_its_keys(visit, village, name):
    page = visit("bob").get(f"/clips/{village.clips[4]}").text
    forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", page, re.DOTALL)
    own = [form for form in forms if 'action="/clips/' in form]
    assert own
    assert all(f'name="{name}"' in form for form in own)


_FORMS = re.compile(r"<form[^>]*method=\"post\".*?</form>", re.DOTALL)
# What changes nothing, or does the same a second time, needs no key.
SAFE_TWICE = {
    "backup.take": "only gives a file",
    "broadcast.check": "only looks",
    "language.switch": "sets what is set",
    "library.read_out": "only makes a sound to hear",
    "login.change_password": "the old password is wrong the second time",
    "login.enter": "a second session, which the list shows",
    "login.leave": "ends what is ended",
    "login.take_code": "a code counts once",
    "login.use_link": "a link counts once",
    "packs.export": "only gives a file",
    "sticks.out": "only gives a file",
    "working.stop": "stops what is stopped",
}


def acts_once(view):
    while view is not None:
        if getattr(view, "acts_once", False):
            return True
        view = getattr(view, "__wrapped__", None)
    return False


def test_every_form_acts_once_or_is_safe_to_send_twice(app):
    found = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and not rule.rule.startswith("/api/")
    }
    assert sorted(each for each in found if not acts_once(app.view_functions[each])) == sorted(
        found & SAFE_TWICE.keys()
    )


def test_every_form_of_every_template_carries_its_keys():
    folder = Path(web.__file__).parent / "templates"
    bare = [
        f"{path.name}: {form[:90]}"
        for path in sorted(folder.rglob("*.html"))
        for form in _FORMS.findall(path.read_text(encoding="utf-8"))
        if "csrf_token" not in form and "keys()" not in form
    ]
    assert bare == []
