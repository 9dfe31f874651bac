"""A whole programme is heard on the phone before villages hear it."""

import pytest


def test_a_schedule_is_heard_with_its_tune(visit, village):
    for name in ("hoa", "bob"):
        with visit(name).get(f"/listen/schedule/{village.schedules['pending']}") as heard:
            assert heard.mimetype == "audio/mpeg"
            assert len(heard.data) > 10_000


def test_the_choice_of_a_new_broadcast_is_heard_in_its_order(visit, village):
    chosen = {"clips": [village.clips[5], village.clips[6]], "tune": "lang_que"}
    chosen[f"times-{village.clips[5]}"] = "2"
    with visit("erin").get("/listen/programme", query_string=chosen) as heard:
        assert len(heard.data) > 40_000  # the tune four times over


@pytest.mark.parametrize("asked", ["", "?clips=khong-co", "?tune=lang_que"])
def test_nothing_to_hear_is_not_found(visit, asked):
    assert visit("erin").get(f"/listen/programme{asked}").status_code == 404


def test_a_date_is_read_back_with_its_lunar_day(visit):
    said = visit("erin").get("/broadcasts/day?date=2026-11-23&time=17:05").text
    assert said == "Thứ 2, rằm tháng 10 âm lịch · 17:05 (chiều)"
    assert visit("erin").get("/broadcasts/day?date=mai&time=").text == ""
    assert visit("erin").get("/broadcasts/day?date=9999-12-31").status_code == 200
    assert "15/10" not in said
