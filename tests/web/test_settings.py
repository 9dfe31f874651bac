"""Units, and what somebody of everywhere sees, also on the very first day."""

import pytest
from sqlalchemy import select

from controller import schema
from controller.accounts import people
from controller.accounts.access import SYSTEM
from controller.accounts.people import UserInput
from controller.database import reading, transaction
from controller.models import Area, Role
from controller.outcomes import refusals
from controller.settings import load
from tests.web.village import NOW, cookie_of, signed_in
from web.app import create_app

PAGES = (
    "/", "/week/", "/schedules/", "/broadcasts/new", "/clips/", "/clips/new", "/clips/speak",
    "/nodes/", "/nodes/new", "/log/", "/approvals/", "/village/", "/reports/", "/users/",
    "/users/new", "/settings/", "/emergency/", "/password", "/account/",
)  # fmt: skip


def sign_in_root(app):
    with transaction(app.extensions["loalang"].engine) as session:
        data = UserInput("root", "Quản Trị Tỉnh", Role.ADMINISTRATOR, None)
        user, _secret = people.create(session, SYSTEM, data, NOW)
        signed_in(session, user.id)
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(cookie_of(user.id))
    return client


@pytest.fixture
def new_app(tmp_path, clock):
    app = create_app(load({"LOALANG_DATA_DIR": str(tmp_path / "new")}), clock)
    app.config["WTF_CSRF_ENABLED"] = False
    schema.upgrade(app.extensions["loalang"].engine)
    yield app
    app.extensions["loalang"].engine.dispose()


@pytest.mark.parametrize("path", PAGES)
def test_who_is_everywhere_can_open_every_page(app, path):
    assert sign_in_root(app).get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_on_the_first_day(new_app, path):
    assert sign_in_root(new_app).get(path).status_code == 200


def test_the_first_commune_and_its_village_are_added(new_app):
    client = sign_in_root(new_app)
    client.post("/settings/areas", data={"name": "Xã Tân Lập", "kind": "xã"})
    engine = new_app.extensions["loalang"].engine
    with reading(engine) as session:
        commune = session.scalars(select(Area)).one()
    data = {"name": "Bản Mường", "kind": "bản", "parent_id": commune.id}
    page = client.post("/settings/areas", data=data, follow_redirects=True).text
    assert "Đã thêm địa bàn." in page
    assert "Bản Mường" in page


def test_only_an_administrator_changes_units(visit, village):
    data = {"name": "Thôn Lạ", "kind": "thôn", "parent_id": village.areas["commune"]}
    for who, status in (("bob", 403), ("erin", 403), ("charlie", 404)):
        assert visit(who).post("/settings/areas", data=data).status_code == status


def test_nobody_of_one_commune_makes_another(visit):
    answer = visit("alice").post("/settings/areas", data={"name": "Xã Mới", "kind": "xã"})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/broadcasts/new", "/emergency/", "/nodes/new"])
def test_where_a_place_is_chosen_the_first_day_says_how_to_add_one(new_app, path):
    page = sign_in_root(new_app).get(path).text
    assert "Chưa có địa bàn nào. Quản trị hãy mở Cài đặt để thêm xã và thôn." in page
    assert '<a class="button button-main" href="/settings/">Cài đặt</a>' in page


def test_the_first_day_says_what_to_do_step_by_step(new_app):
    client = sign_in_root(new_app)
    page = client.get("/").text
    assert "Bắt đầu sử dụng" in page
    assert "Không có việc gì cần làm" not in page
    assert 'href="/settings/">Thêm xã hoặc phường' in page
    client.post("/settings/areas", data={"name": "Xã Mới", "kind": "xã"})
    with reading(new_app.extensions["loalang"].engine) as session:
        commune = session.scalars(select(Area.id)).one()
    client.post("/settings/areas", data={"name": "Thôn Mới", "kind": "thôn", "parent_id": commune})
    assert 'href="/settings/">Thêm xã hoặc phường' not in client.get("/").text


def test_a_station_at_work_sees_no_first_steps(visit):
    assert "Bắt đầu sử dụng" not in visit("alice").get("/").text
    assert "Bắt đầu sử dụng" not in visit("erin").get("/").text


def test_who_administers_everything_sees_what_was_refused(app, visit, clock):
    root = sign_in_root(app)
    assert "Chưa có tin nào bị từ chối" in root.get("/settings/").text
    with transaction(app.extensions["loalang"].engine) as session:
        refusals.add(session, {"bad_signature": 2, "replayed": 1}, clock())
    assert "bad_signature 2, replayed 1" in root.get("/settings/").text
    assert "bad_signature" not in visit("alice").get("/settings/").text
