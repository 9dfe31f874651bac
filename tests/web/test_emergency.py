"""Emergencies: drill and real said on purpose, the password again, a second person, a way back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.accounts import people
from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import Airing, AreaOrder, Emergency, Playback
from tests.web.village import NOW, PASSWORD


@pytest.fixture
def bob(visit, services, village):
    with transaction(services.engine) as session:
        people.set_password(session, SYSTEM, village.users["bob"], PASSWORD, NOW)
    client = visit("bob")
    with client.session_transaction() as session:
        session["version"] = 2
    return client


def order(village, **more):
    values = {
        "clip_id": village.clips[5],
        "area_ids": village.areas["commune"],
        "repeat": "1",
        "kind": "drill",
        "password": PASSWORD,
    }
    return {**values, **more}


def given(services):
    with reading(services.engine) as session:
        return list(session.scalars(select(Emergency)))


def test_a_drill_sounds_at_once_and_is_called_a_drill(bob, village, services):
    page = bob.post("/emergency/", data=order(village), follow_redirects=True).text
    assert "DIỄN TẬP" in page
    assert "PHÁT THẬT" not in page
    (emergency,) = given(services)
    assert emergency.drill
    with reading(services.engine) as session:
        starts = session.scalars(
            select(Airing.starts_at).where(Airing.emergency_id == emergency.id)
        ).all()
    assert len(starts) == 2


def test_neither_drill_nor_real_is_chosen_for_anybody(bob, village, services):
    assert 'name="kind" value="real" required>' in bob.get("/emergency/").text
    answer = bob.post("/emergency/", data=order(village, kind=""))
    assert answer.status_code == 422
    assert "Hãy chọn diễn tập hay phát thật." in answer.text
    assert given(services) == []


def test_a_wrong_password_plays_nothing(bob, village, services):
    answer = bob.post("/emergency/", data=order(village, kind="real", password="sai"))
    assert "Chưa có gì được phát." in answer.text
    assert given(services) == []


def test_only_a_bulletin_that_is_ready_can_be_played(bob, village, services):
    answer = bob.post("/emergency/", data=order(village, clip_id="khong-co"))
    assert answer.status_code in (404, 422)
    assert given(services) == []


def test_where_policy_wants_two_the_author_cannot_confirm(bob, visit, village, services):
    with transaction(services.engine) as session:
        policy = {"approval": {"emergency_people": 2}}
        area_edits.update(session, SYSTEM, village.areas["commune"], {"policy": policy}, NOW)
    address = bob.post("/emergency/", data=order(village, kind="real")).location
    assert "Quy định cần hai người" in bob.get(address).text
    assert bob.post(f"{address}/confirm").status_code == 403
    alice = visit("alice")
    assert "Xác nhận" in alice.get(address).text
    alice.post(f"{address}/confirm")
    assert str(given(services)[0].state) == "active"


def test_it_is_cancelled_with_one_tap_and_offers_the_all_clear(bob, village, services):
    address = bob.post("/emergency/", data=order(village, kind="real")).location
    page = bob.post(f"{address}/cancel", follow_redirects=True).text
    assert "Đã hủy lệnh phát." in page
    assert "Phát tin báo an" in page
    assert str(given(services)[0].state) == "cancelled"


def test_after_a_cancelling_the_clusters_were_stopped_and_did_not_fail(
    bob, village, services, clock
):
    address = bob.post("/emergency/", data=order(village, kind="real", repeat="2")).location
    clock.now = NOW + timedelta(seconds=5)
    bob.post(f"{address}/cancel")
    ours = select(Airing).where(Airing.emergency_id.is_not(None))
    with transaction(services.engine) as session:
        first = session.scalars(ours.order_by(Airing.starts_at)).all()[0]
        heard = [
            Playback(
                planned_day=first.starts_at.date(),
                airing_id=first.id,
                node_id=node_id,
                planned_at=first.starts_at,
                outcome=outcome,
                reason=reason,
            )
            for node_id, (outcome, reason) in zip(
                village.nodes.values(),
                [("stopped", "cancelled"), ("missed", "clip_missing")],
                strict=False,
            )
        ]
        session.add_all(heard)
    for later in (timedelta(seconds=9), timedelta(minutes=8)):  # a repeat would have sounded
        clock.now = NOW + later
        page = bob.get(address).text
        assert "1 đã dừng" in page
        assert "1 không phát được" in page


def test_before_the_first_answer_it_says_whom_it_calls(bob, village):
    page = bob.post("/emergency/", data=order(village), follow_redirects=True).text
    assert "Đang gửi lệnh tới 8 cụm loa…" in page
    assert "0/0" not in page


def test_the_trail_names_the_rule_it_passed_over(bob, visit, village, services):
    policy = {"permit": [{"from": "02:00", "to": "02:05"}], "source": "Quy chế đài xã"}
    with transaction(services.engine) as session:
        area_edits.update(session, SYSTEM, village.areas["commune"], {"policy": policy}, NOW)
    bob.post("/emergency/", data=order(village, kind="real"))
    page = visit("alice").get("/users/").text
    assert "Vượt quy định: lượt phát" in page
    assert "theo Quy chế đài xã" in page


def test_today_shows_it_above_all_else(bob, village):
    bob.post("/emergency/", data=order(village, kind="real"))
    page = bob.get("/").text
    assert page.index("Đang có lệnh phát khẩn cấp") < page.index("Lịch phát hôm nay")


def test_everything_is_silenced_until_a_time(visit, village, services):
    data = {"area_ids": village.areas["Hạ"], "until": "2026-11-23T06:00"}
    visit("erin").post("/emergency/stop", data={**data, "back": "today"})
    with reading(services.engine) as session:
        stopped = session.get(AreaOrder, village.areas["Hạ"])
    assert stopped.stopped_at == NOW
    assert f"{stopped.muted_until:%Y-%m-%dT%H:%M}" == "2026-11-22T23:00"


@pytest.mark.parametrize("who", ["vera", "erin", "tom", "hoa"])
def test_who_may_not_approve_has_no_siren(visit, who):
    assert visit(who).get("/emergency/").status_code == 403
    assert "Phát khẩn cấp" not in visit(who).get("/").text


def test_an_outsider_cannot_reach_it(bob, visit, village, services):
    address = bob.post("/emergency/", data=order(village)).location
    assert visit("charlie").get(address).status_code == 404
    assert visit("charlie").post(f"{address}/cancel").status_code == 404
    stop = visit("charlie").post("/emergency/stop", data={"area_ids": village.areas["Hạ"]})
    assert stop.status_code == 404


def test_a_village_ticked_without_scripts_is_not_the_whole_commune(bob, village, services):
    page = bob.get("/emergency/").text
    commune, lower = village.areas["commune"], village.areas["Hạ"]
    assert f'name="unasked" value="{commune}"' in page
    bob.post("/emergency/", data=order(village, area_ids=[commune, lower], unasked=commune))
    assert given(services)[0].area_ids == [lower]
