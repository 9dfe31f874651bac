"""The tree of areas, and what is inherited down it."""

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.errors import BadInput, NotAllowed, NotFound
from controller.models import AuditEntry, Change, ServiceCommand
from controller.territory import areas
from tests.controller.factories import NOW


def test_a_new_area_stands_below_its_parent(session, cast):
    commune = cast.areas["commune"]
    data = AreaInput("Bản Mới", "bản", code="14935.7", parent_id=commune)
    area = area_edits.create(session, cast.alice, data, NOW)
    assert areas.path(session, area.id) == (commune, area.id)
    assert area.id in areas.subtree(session, [commune])
    assert session.scalars(select(AuditEntry.action)).all()[-1] == "area.create"
    assert session.scalars(select(Change.kind)).all()[-1] == "area"


def test_only_an_administrator_of_everywhere_adds_a_root(session, cast):
    with pytest.raises(NotFound):
        area_edits.create(session, cast.alice, AreaInput("Tỉnh", "tỉnh"), NOW)
    area_edits.create(session, SYSTEM, AreaInput("Tỉnh", "tỉnh"), NOW)


@pytest.mark.parametrize("name", ["erin", "vera", "tom"])
def test_others_add_none(session, cast, name):
    data = AreaInput("Bản Mới", "bản", parent_id=cast.areas["commune"])
    with pytest.raises(NotAllowed):
        area_edits.create(session, cast.actors[name], data, NOW)


def test_zone_languages_and_policy_come_from_above(session, cast):
    commune, upper = cast.areas["commune"], cast.areas["upper"]
    assert areas.effective(session, upper).timezone == "Asia/Ho_Chi_Minh"
    assert areas.effective(session, upper).languages == ("vi",)
    values = {
        "timezone": "Europe/Berlin",
        "languages": ["vi", "hmn"],
        "policy": {"max_sessions_per_day": 2, "source": "QĐ 1"},
    }
    area_edits.update(session, cast.alice, commune, values, NOW)
    area_edits.update(session, cast.alice, upper, {"policy": {"max_sessions_per_day": 3}}, NOW)
    found = areas.effective(session, upper)
    assert (found.timezone, found.languages) == ("Europe/Berlin", ("vi", "hmn"))
    assert (found.policy.max_sessions_per_day, found.policy.source) == (3, "QĐ 1")


def test_each_rule_names_the_document_of_the_unit_that_set_it(session, cast):
    commune = {
        "permit": [{"from": "05:00", "to": "21:00"}],
        "max_sessions_per_day": 3,
        "source": "Quyết định 12",
    }
    village = {"quiet": [{"from": "11:30", "to": "13:30"}], "max_sessions_per_day": 2}
    area_edits.update(session, cast.alice, cast.areas["commune"], {"policy": commune}, NOW)
    village["source"] = "Hương ước 3"
    area_edits.update(session, cast.alice, cast.areas["upper"], {"policy": village}, NOW)
    policy = areas.effective(session, cast.areas["upper"]).policy
    assert policy.source_of("permit") == "Quyết định 12"
    assert policy.source_of("quiet") == "Hương ước 3"
    assert policy.source_of("max_sessions_per_day") == "Hương ước 3"


def test_a_new_policy_asks_for_new_documents_of_the_areas_below(session, cast):
    commune = cast.areas["commune"]
    area_edits.update(session, cast.alice, commune, {"policy": {"permit": []}}, NOW)
    (command,) = session.scalars(select(ServiceCommand)).all()
    assert command.kind == "schedules_changed"
    assert set(command.body["area_ids"]) == areas.subtree(session, [commune])


def test_a_new_name_asks_for_nothing(session, cast):
    area_edits.update(session, cast.alice, cast.areas["upper"], {"name": "Thôn Thượng 2"}, NOW)
    assert session.scalars(select(ServiceCommand)).all() == []
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry.detail["before"] == {"name": "Thôn Thượng"}


def test_an_area_cannot_go_below_itself(session, cast):
    with pytest.raises(BadInput) as refused:
        values = {"parent_id": cast.areas["upper"]}
        area_edits.update(session, SYSTEM, cast.areas["commune"], values, NOW)
    assert "parent_id" in refused.value.errors


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"languages": ["Việt"]}, "languages"),
        ({"languages": []}, "languages"),
        ({"policy": {"permit": 3}}, "policy.permit"),
        ({"id": "x"}, "id"),
    ],
)
def test_what_cannot_be_is_named(session, cast, values, field):
    with pytest.raises(BadInput) as refused:
        area_edits.update(session, cast.alice, cast.areas["upper"], values, NOW)
    assert field in refused.value.errors


def test_a_unit_code_is_given_once(session, cast):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    area_edits.update(session, cast.alice, upper, {"code": "00001"}, NOW)
    area_edits.update(session, cast.alice, upper, {"code": "00001"}, NOW)
    with pytest.raises(BadInput):
        area_edits.update(session, cast.alice, lower, {"code": "00001"}, NOW)


def test_the_list_holds_the_actors_areas_by_name(session, cast):
    found = areas.page(session, cast.vera, limit=2)
    rest = areas.page(session, cast.vera, limit=2, cursor=found.next_cursor)
    names = [area.name for area in found.items + rest.items]
    assert names == ["Thôn Hạ", "Thôn Thượng", "Xã Hoà Bình"]
    assert [area.name for area in areas.page(session, cast.charlie).items] == ["Xã Khác"]


def test_an_outsider_reads_and_changes_nothing(session, cast):
    with pytest.raises(NotFound):
        areas.get(session, cast.charlie, cast.areas["upper"])
    with pytest.raises(NotFound):
        area_edits.update(session, cast.charlie, cast.areas["upper"], {"name": "x"}, NOW)
