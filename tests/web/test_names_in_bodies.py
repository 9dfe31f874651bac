"""What a form, a call or an address names in its fields is guarded like what stands in its path.

Somebody of another commune, in their own area, names this commune's things: the answer is that of
a made-up id, and nothing of ours is in it.
"""

import shutil

import pytest

from controller.settings import load
from tests.web import role_cast
from tests.web.conftest import Clock
from tests.web.role_table import TABLE
from tests.web.village import PASSWORD
from web.app import create_app

_OWN = {"title": "Họp", "area_ids": ["{own_area}"], "starts_at": "2026-11-24T19:00"}
_FORM = {"title": "Họp", "area_ids": "{own_area}", "date": "2026-11-24", "time": "19:00"}
_FORM["repeat"] = "once"
_CLIP = {"title": "A", "topic": "1", "language": "vi", "area_id": "{own_area}"}
_SPOKEN = {**_CLIP, "topic": 1, "text": "Mời bà con"}
_ALARM = {"drill": True, "area_ids": ["{own_area}"], "clip_id": "{own_clip}"}
_SIREN = {"kind": "drill", "password": PASSWORD, "area_ids": "{own_area}"}

# Who of the other commune asks, what, and which of our ids stands where one of theirs belongs.
NAMED = [
    ("a", "POST /broadcasts/new", {**_FORM, "clips": "{clip}"}),
    ("a", "POST /broadcasts/new", {**_FORM, "clips": ["{own_clip}", "{clip}"]}),
    ("a", "POST /broadcasts/new", {**_FORM, "clips": "{own_clip}", "edit": "{schedule}"}),
    ("a", "POST /broadcasts/check", {**_FORM, "clips": "{clip}"}),
    ("a", "POST /broadcasts/check", {**_FORM, "clips": "{own_clip}", "area_ids": "{area}"}),
    ("a", "POST /clips/new", {**_CLIP, "replaces": "{clip}", "file": "(a file)"}),
    ("a", "POST /clips/new", {**_CLIP, "translation_of": "{clip}", "file": "(a file)"}),
    ("a", "POST /clips/packs/export", {"clip": ["{own_clip}", "{clip}"]}),
    ("a", "POST /emergency/", {**_SIREN, "clip_id": "{clip}"}),
    ("a", "POST /emergency/", {**_SIREN, "clip_id": "{own_clip}", "area_ids": "{area}"}),
    ("a", "POST /village/feedback", {"airing_id": "{morning}", "area_id": "{own_area}"}),
    ("h", "POST /village/fault", {"area_id": "{own_area}", "node_id": "{node}", "text": "hú"}),
    ("a", "POST /log/catch-up/{morning}", {"area_ids": "{own_area}"}),
    ("t", "POST /nodes/new", {"name": "A", "code": "B-9", "area_id": "{area}"}),
    ("t", "POST /nodes/{own_node}/edit", {"name": "A", "volume": "80", "area_id": "{area}"}),
    ("t", "POST /nodes/{own_node}/zones", {"zone": "a", "areas": "{area}"}),
    ("t", "POST /devices/bind", {"node_id": "{node}", "device_id": "none"}),
    ("t", "POST /sticks/out", {"node": ["{own_node}", "{node}"]}),
    ("d", "POST /users/new", {"username": "m", "name": "M", "role": "viewer", "area_id": "{area}"}),
    ("d", "POST /users/{own_user}", {"name": "M", "role": "viewer", "area_id": "{area}"}),
    ("d", "POST /users/{own_user}", {"name": "M", "role": "viewer", "also": "{area}"}),
    ("d", "POST /settings/areas", {"name": "X", "kind": "xóm", "parent_id": "{area}"}),
    ("t", "POST /settings/alerts/", {"name": "X", "address": "json://h", "area_id": "{area}"}),
    ("a", "POST /api/v1/schedules", {**_OWN, "items": [{"clip_id": "{clip}"}]}),
    ("a", "POST /api/v1/schedules", {**_OWN, "items": [{"clip_id": "{own_clip}"}],
                                     "area_ids": ["{own_area}", "{area}"]}),
    ("a", "PATCH /api/v1/schedules/{own_schedule}", {"area_ids": ["{area}"]}),
    ("a", "PATCH /api/v1/schedules/{own_schedule}", {"items": [{"clip_id": "{clip}"}]}),
    ("a", "POST /api/v1/clips", {**_CLIP, "replaces": "{clip}", "file": "(a file)"}),
    ("a", "POST /api/v1/clips", {**_CLIP, "translation_of": "{clip}", "file": "(a file)"}),
    ("a", "POST /api/v1/speech", {**_SPOKEN, "replaces": "{clip}"}),
    ("a", "POST /api/v1/speech", {**_SPOKEN, "translation_of": "{clip}"}),
    ("a", "POST /api/v1/emergencies", {**_ALARM, "clip_id": "{clip}"}),
    ("a", "POST /api/v1/emergencies", {**_ALARM, "area_ids": ["{own_area}", "{area}"]}),
    ("a", "POST /api/v1/stop", {"area_ids": ["{own_area}", "{area}"]}),
    ("a", "POST /api/v1/feedback", {"airing_id": "{morning}", "area_id": "{own_area}"}),
    ("t", "POST /api/v1/nodes", {"name": "A", "code": "B-9", "area_id": "{area}"}),
    ("t", "PATCH /api/v1/nodes/{own_node}", {"area_id": "{area}"}),
    ("d", "PATCH /api/v1/areas/{own_area}", {"parent_id": "{area}"}),
    ("d", "POST /api/v1/areas/{own_area}/merge", {"area_ids": ["{area}"]}),
    ("d", "POST /api/v1/users/{own_user}/areas", {"area_id": "{area}"}),
    ("t", "POST /api/v1/alerts", {"name": "X", "address": "json://h", "area_id": "{area}"}),
]  # fmt: skip

# Every name under which an address may ask for something by its id, by what it is.
ASKED = {
    "area": ("area", "area_id", "area_ids", "place"),
    "node": ("node", "node_id", "nodes"),
    "clip": ("clip", "clips", "clip_id", "replaces", "translation_of", "from", "back"),
    "schedule": ("edit", "again", "schedule", "schedule_id"),
    "morning": ("airing", "airing_id", "after", "catch_up"),
    "user": ("user", "user_id"),
}


@pytest.fixture(scope="module")
def street(filled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("names") / "data"
    shutil.copytree(filled.folder, folder)
    app = create_app(load({"LOALANG_DATA_DIR": str(folder)}), Clock())
    app.config["WTF_CSRF_ENABLED"] = False
    found = role_cast.settle(app, folder, filled.village)
    theirs = role_cast.of_others(found)
    for doors in found.doors.values():
        doors.update(theirs)
    found.keep()
    yield found
    app.extensions["loalang"].engine.dispose()


@pytest.mark.parametrize(("who", "asked", "body"), NAMED, ids=lambda each: str(each)[:60])
def test_naming_what_is_not_ones_own_is_naming_nothing(street, who, asked, body):
    method, path = asked.split()
    real = street.knock(who, method, path, body, "inside")
    made_up = street.knock(who, method, path, body, "made up")
    assert real.status < 500
    assert (real.status, real.location, real.text) == (
        made_up.status,
        made_up.location,
        made_up.text,
    )
    assert [word for word in street.words() if word in real.text] == []


def _open_addresses():
    for line in TABLE.strip().splitlines():
        if line.startswith("GET") and "{" not in line and "/live" not in line.split()[1]:
            yield line.split()[1]


@pytest.mark.parametrize("path", sorted(set(_open_addresses())))
def test_asking_an_address_for_what_is_not_ones_own_is_asking_for_nothing(street, path):
    who = "d" if path.startswith(("/users", "/settings", "/api/v1/users")) else "a"
    who = "t" if path.startswith(("/nodes/new", "/sticks", "/devices", "/api/v1/sticks")) else who
    for kind, names in ASKED.items():
        asked = "&".join(f"{name}={{{kind}}}" for name in names)
        address = f"{path}{'&' if '?' in path else '?'}{asked}"
        real = street.knock(who, "GET", address, None, "inside")
        made_up = street.knock(who, "GET", address, None, "made up")
        assert real.status < 500, address
        assert (real.status, real.text) == (made_up.status, made_up.text), address
        assert [word for word in street.words() if word in real.text] == [], address
