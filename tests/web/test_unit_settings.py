"""A unit's page: names, languages and rules; backups on the settings page."""

import tarfile
from io import BytesIO

import pytest

from controller.accounts import passwords
from controller.database import reading, transaction
from controller.models import Area, Node, Schedule, User
from controller.publishing import documents
from tests.web.village import NOW, PASSWORD


@pytest.fixture
def commune(village):
    return village.areas["commune"]


@pytest.fixture
def root(services, village, visit):
    """Alice administers everything."""
    with transaction(services.engine) as session:
        alice = session.get_one(User, village.users["alice"])
        alice.area_id, alice.password_hash = None, passwords.hashed(PASSWORD)
    return visit("alice")


def policy_of(services, area_id):
    with reading(services.engine) as session:
        return session.get_one(Area, area_id).policy


def test_hours_by_weekday_and_season_are_saved_and_shown_again(visit, commune, services):
    data = {
        "permit_0_from": "05:00",
        "permit_0_to": "06:30",
        "permit_0_day": ["1", "2", "3", "4", "5"],
        "permit_0_volume": "80",
        "permit_0_season_from": "16/4",
        "permit_0_season_to": "15/10",
        "quiet_0_from": "11:30",
        "quiet_0_to": "13:30",
        "max_minutes_per_session": "22,5",
        "emergency_people": "2",
        "author_may_approve": "no",
        "tune_normal": "dan_bau",
        "tune_priority": "-",
        "source": "QĐ 12/2026",
    }
    client = visit("alice")
    assert client.post(f"/settings/areas/{commune}/policy", data=data).status_code == 302
    policy = policy_of(services, commune)
    assert policy["permit"] == [
        {
            "from": "05:00",
            "to": "06:30",
            "days": [1, 2, 3, 4, 5],
            "volume_pct": 80,
            "season": {"from": "04-16", "to": "10-15"},
        }
    ]
    assert policy["max_minutes_per_session"] == 22.5
    assert policy["approval"] == {"author_may_approve": False, "emergency_people": 2}
    assert policy["tunes"] == {"normal": "dan_bau", "priority": None}
    page = client.get(f"/settings/areas/{commune}").text
    for shown in ('value="05:00"', 'value="16/4"', 'value="22.5"', "QĐ 12/2026"):
        assert shown in page


def test_clusters_fetch_what_is_far_ahead_in_the_hours_of_the_page(
    visit, commune, services, village
):
    client = visit("alice")
    address = f"/settings/areas/{commune}"
    night = {"prefetch_from": "22:00", "prefetch_to": "04:00"}
    assert client.post(f"{address}/policy", data=night).status_code == 302
    assert policy_of(services, commune)["prefetch"] == {"from": "22:00", "to": "04:00"}
    page = client.get(address).text
    assert 'value="22:00"' in page
    assert 'value="04:00"' in page
    with reading(services.engine) as session:
        config = documents.node_config(session, session.get_one(Node, village.nodes["Hạ"]), NOW)
    assert config.later_hours == "15:00-21:00"
    client.post(f"{address}/policy", data={"prefetch_any": "on"})
    assert policy_of(services, commune)["prefetch"] == {}
    client.post(f"{address}/policy", data={})
    assert policy_of(services, commune) is None  # as the unit above


@pytest.mark.parametrize("half", [{"prefetch_from": "22:00"}, {"prefetch_to": "04:00"}])
def test_half_the_fetching_hours_are_no_hours(visit, commune, half):
    answer = visit("alice").post(f"/settings/areas/{commune}/policy", data=half)
    assert answer.status_code == 422
    assert "Giờ tải bản tin chưa đủ" in answer.text


def test_saving_the_page_as_it_is_changes_nothing(visit, commune, services):
    client = visit("alice")
    client.post(
        f"/settings/areas/{commune}/policy", data={"permit_0_from": "05:00", "permit_0_to": "24:00"}
    )
    before = policy_of(services, commune)
    client.post(
        f"/settings/areas/{commune}/policy", data={"permit_0_from": "05:00", "permit_0_to": "24:00"}
    )
    assert policy_of(services, commune) == before


def test_a_rule_nobody_understands_is_refused_with_a_sentence(visit, commune, services):
    before = policy_of(services, commune)
    data = {"permit_0_from": "05:00", "permit_0_to": "", "max_sessions_per_day": "ba"}
    answer = visit("alice").post(f"/settings/areas/{commune}/policy", data=data)
    assert answer.status_code == 422
    assert "hãy" in answer.text
    assert policy_of(services, commune) == before


def test_the_word_for_village_and_the_languages_are_data(visit, village, services):
    area = village.areas["Hạ"]
    data = {"name": "Bản Hạ", "kind": "bản", "languages": ["vi", "hmn"], "group_phone": "0912"}
    visit("alice").post(f"/settings/areas/{area}", data=data)
    with reading(services.engine) as session:
        row = session.get_one(Area, area)
        assert (row.name, row.kind, row.languages) == ("Bản Hạ", "bản", ["vi", "hmn"])
        assert row.group == {"phone": "0912"}


def test_a_backup_is_made_listed_and_taken_with_the_password(root, services):
    root.post("/settings/backups/")
    page = root.get("/settings/").text
    name = page.split("/settings/backups/")[2].split('"')[0]
    refused = root.post(f"/settings/backups/{name}", data={"password": "khong phai"})
    assert refused.status_code == 302
    answer = root.post(f"/settings/backups/{name}", data={"password": PASSWORD}, buffered=True)
    with tarfile.open(fileobj=BytesIO(answer.data)) as tar:
        assert any(each.endswith(".db") for each in tar.getnames())


@pytest.mark.parametrize("name", ["..%2Floalang.db", "khac.tar", "loalang-20200101-000000.tar"])
def test_no_other_file_leaves_the_house(root, name):
    answer = root.post(f"/settings/backups/{name}", data={"password": PASSWORD})
    assert answer.status_code == 404


def test_rules_the_page_does_not_show_stay_when_it_is_saved(visit, commune, services):
    kept = {"emergency_signatures": 2, "emergency_deputy": "bob", "emergency_people": 2}
    with transaction(services.engine) as session:
        session.get_one(Area, commune).policy = {"approval": kept}
    data = {"emergency_people": "2", "clip": "yes"}
    visit("alice").post(f"/settings/areas/{commune}/policy", data=data)
    assert policy_of(services, commune) == {"approval": {**kept, "clip": True}}


def test_the_group_s_members_and_next_classes_are_written_on_the_page(visit, village, services):
    where = village.areas["Hạ"]
    unit = {"name": "Thôn Hạ", "kind": "thôn", "group_name": "Tổ Hạ", "group_phone": "0912"}
    unit |= {"group_members": "Bà Lan\n\n Ông Sáu "}
    first = {"visit_0_at": "2026-12-01T19:00", "visit_0_place": "Nhà văn hóa"}
    client = visit("alice")
    data = {**unit, **first, "visit_0_topic": "VNeID", "visit_1_at": ""}
    assert client.post(f"/settings/areas/{where}", data=data).status_code == 302
    with reading(services.engine) as session:
        group = session.get_one(Area, where).group
    assert group["members"] == ["Bà Lan", "Ông Sáu"]
    [kept] = group["next_visits"]
    assert kept == {"at": "2026-12-01T12:00:00+00:00", "place": "Nhà văn hóa", "topic": "VNeID"}
    page = client.get(f"/settings/areas/{where}").text
    assert 'value="2026-12-01T19:00"' in page
    assert "Bà Lan\nÔng Sáu" in page
    shown = visit("hoa").get("/village/").text
    assert "Bà Lan, Ông Sáu" in shown
    assert "Nhà văn hóa" in shown
    client.post(f"/settings/areas/{where}", data=data)  # as it is
    with reading(services.engine) as session:
        assert session.get_one(Area, where).group == group
    client.post(f"/settings/areas/{where}", data={**unit, "visit_0_at": ""})
    with reading(services.engine) as session:
        assert "next_visits" not in session.get_one(Area, where).group


def test_a_class_without_a_place_or_a_time_is_refused(visit, village):
    where = village.areas["Hạ"]
    unit = {"name": "Thôn Hạ", "kind": "thôn"}
    without_place = {**unit, "visit_0_at": "2026-12-01T19:00"}
    answer = visit("alice").post(f"/settings/areas/{where}", data=without_place)
    assert answer.status_code == 422
    assert "hãy ghi nơi" in answer.text
    without_time = {**unit, "visit_0_at": "", "visit_0_place": "Nhà văn hóa"}
    assert visit("alice").post(f"/settings/areas/{where}", data=without_time).status_code == 422


def test_holidays_and_sets_of_days_are_entered_as_people_write_them(visit, commune, services):
    client, address = visit("alice"), f"/settings/areas/{commune}/policy"
    data = {
        "days_shown": "1",
        "holiday_0_day": "2/9", "holiday_0_name": "Quốc khánh",
        "holiday_1_day": "1/1", "holiday_1_lunar": "1", "holiday_1_days": "3",
        "holiday_2_day": "24/12/2026",
        "set_0_name": "Tàu về bến", "set_0_lunar": "14, 15,16", "set_0_dates": "5/12/2026 1/2/2027",
    }  # fmt: skip
    assert client.post(address, data=data).status_code == 302
    policy = policy_of(services, commune)
    assert policy["holidays"] == [
        {"date": "09-02", "name": "Quốc khánh"},
        {"lunar": "01-01", "days": 3},
        {"date": "2026-12-24"},
    ]
    boats = {"lunar": {"days": [14, 15, 16]}, "dates": ["2026-12-05", "2027-02-01"]}
    assert policy["day_sets"] == {"tau_ve_ben": {"name": "Tàu về bến", **boats}}
    page = client.get(f"/settings/areas/{commune}").text
    for shown in ('value="2/9"', 'value="24/12/2026"', 'value="14, 15, 16"', "05/12/2026"):
        assert shown in page
    renamed = {**data, "set_0_key": "tau_ve_ben", "set_0_name": "Ngày tàu về"}
    client.post(address, data=renamed)
    assert policy_of(services, commune)["day_sets"]["tau_ve_ben"]["name"] == "Ngày tàu về"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"holiday_0_day": "31/2/2026"}, "31/2/2026"),
        ({"holiday_0_day": "31/2"}, "Không hiểu"),
        ({"holiday_0_name": "Tết"}, "Tết"),
        ({"holiday_0_day": "2/9", "holiday_0_days": "ba"}, "ba"),
        ({"set_0_name": "Chợ phiên"}, "ít nhất một ngày"),
        ({"set_0_name": "Chợ phiên", "set_0_lunar": "31"}, "31"),
    ],
)
def test_days_that_are_not_understood_are_told(visit, commune, wrong, words):
    data = {"days_shown": "1", **wrong}
    answer = visit("alice").post(f"/settings/areas/{commune}/policy", data=data)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_set_of_days_in_use_is_not_taken_away(visit, village, commune, services):
    client, address = visit("alice"), f"/settings/areas/{commune}/policy"
    client.post(address, data={"days_shown": "1", "set_0_name": "Chợ", "set_0_lunar": "2, 7"})
    with transaction(services.engine) as session:
        schedule = session.get_one(Schedule, village.schedules["evening"])
        schedule.rule = {**schedule.rule, "day_set": "cho"}
    answer = client.post(address, data={"days_shown": "1"})
    assert answer.status_code == 422
    assert "nhóm ngày «cho»" in answer.text
    assert "day_sets" in policy_of(services, commune)
