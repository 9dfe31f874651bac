"""Outros: what a village is told last, spoken once, quiet, and never in the way."""

import pytest

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.commands import CommandKind
from controller.database import reading, transaction
from controller.errors import BadInput
from controller.models import ServiceCommand, SpokenLine, Tune
from controller.planning import outros, spoken_lines
from controller.planning.spoken_lines import Speaking
from controller.publishing import documents
from controller.scheduling import schedules
from controller.territory.places import Tree
from device.airing import choose_sounds
from protocol.programme import parts_for
from tests.controller.factories import DAY, NOW, make_clip, make_node, schedule_input, sha

GROUP = {
    "name": "Tổ Đồi Mới",
    "contact": "chị Lan",
    "phone": "0912 345 678",
    "next_visits": [
        {"at": "2026-11-24T19:30", "place": "nhà văn hoá", "topic": "VNeID"},
        {"at": "2026-11-27T08:00+07:00", "place": "trạm y tế", "topic": None},
    ],
}
NO_VOICE = Speaking()


@pytest.fixture
def village(session, cast):
    area_edits.update(session, SYSTEM, cast.areas["upper"], {"group": GROUP}, NOW)
    make_node(session, cast.areas["upper"])
    make_node(session, cast.areas["lower"], "TH-02")
    return cast.areas["upper"]


def spoken(session, text, duration_ms=7000):
    line = SpokenLine(
        text_sha256=outros.text_hash(text), text=text, sha256=sha(text), bytes=42_000,
        duration_ms=duration_ms, made_at=NOW,
    )  # fmt: skip
    session.add(line)
    session.flush()
    return line


def speaker(area_id="x", group=GROUP):
    return outros.Speaker(area_id, group, "Asia/Ho_Chi_Minh")


def on_air(session, cast, **more):
    data = schedule_input(make_clip(session).id, cast.areas["commune"], **more)
    schedule, draft = schedules.create(session, SYSTEM, data, NOW)
    schedule.status = "approved"
    schedules.put_on_air(session, SYSTEM, schedule, NOW)
    return schedule, draft


def test_the_contact_is_told_with_the_number():
    assert outros.text_at("contact", speaker(), NOW) == (
        "Bà con cần hướng dẫn thêm, xin liên hệ Tổ Đồi Mới, chị Lan, số điện thoại 0912 345 678."
    )


def test_the_next_visit_is_the_first_one_after_the_airing():
    assert outros.text_at("next_visit", speaker(), NOW) == (
        "Tổ Đồi Mới sẽ hướng dẫn bà con về VNeID tại nhà văn hoá, lúc 19 giờ 30 phút thứ Ba, "
        "ngày 24 tháng 11."
    )
    assert "trạm y tế, lúc 8 giờ thứ Sáu" in outros.text_at("next_visit", speaker(), NOW + 3 * DAY)
    assert "0912 345 678" in outros.text_at("next_visit", speaker(), NOW + 30 * DAY)


def test_a_group_that_told_nothing_says_nothing():
    assert outros.text_at("contact", speaker(group={"name": "Tổ"}), NOW) is None


def test_each_village_hears_its_own_group_last_and_quietly(session, cast, village):
    text = outros.text_at("contact", speaker(), NOW)
    line = spoken(session, text)
    on_air(session, cast, outro="contact")
    (own,) = documents.area_document(session, village, NOW, 30).airings
    (common,) = documents.area_document(session, cast.areas["commune"], NOW, 30).airings
    assert own.airing_id == common.airing_id, "the document nearest to the node wins"
    assert own.parts[-1].sha256 == line.sha256
    assert own.parts[-1].gain_db < -3
    assert [part.sha256 for part in common.parts] == [part.sha256 for part in own.parts[:-1]]
    assert documents.area_document(session, cast.areas["lower"], NOW, 30).airings == ()


def test_without_the_wish_there_is_no_outro(session, cast, village):
    spoken(session, outros.text_at("contact", speaker(), NOW))
    on_air(session, cast)
    assert documents.area_document(session, village, NOW, 30).airings == ()


def test_the_length_known_before_is_that_of_the_longest_outro(session, cast, village):
    schedule, draft = on_air(session, cast)
    plain = draft.occurrences[0].ends_at - draft.occurrences[0].starts_at
    schedules.delete(session, SYSTEM, schedule.id, NOW)
    bound = on_air(session, cast, outro="contact")[1].occurrences[0]
    spoken(session, outros.text_at("contact", speaker(), NOW), duration_ms=7000)
    data = schedule_input(make_clip(session).id, cast.areas["lower"], outro="contact")
    area_edits.update(session, SYSTEM, cast.areas["lower"], {"group": GROUP}, NOW)
    exact = schedules.draft(session, SYSTEM, data, NOW)
    lasts = exact.occurrences[0].ends_at - exact.occurrences[0].starts_at
    assert lasts.total_seconds() == plain.total_seconds() + 7
    assert bound.ends_at - bound.starts_at > lasts, "what is not spoken yet counts with more"


def test_the_preview_shows_the_words_and_their_length(session, cast, village):
    data = schedule_input(make_clip(session).id, cast.areas["commune"], outro="next_visit")
    (shown,) = schedules.draft(session, SYSTEM, data, NOW).outros
    assert shown.area_id == village
    assert "nhà văn hoá" in shown.text
    assert shown.duration_ms is None


def test_a_place_without_a_group_is_told_before_saving(session, cast):
    data = schedule_input(make_clip(session).id, cast.areas["commune"], outro="contact")
    conflicts = schedules.draft(session, SYSTEM, data, NOW).conflicts
    assert [(c["kind"], c["blocking"]) for c in conflicts] == [("outro", False)]


def test_a_node_that_lacks_the_outro_plays_what_stands_before_it(session, cast, village):
    spoken(session, outros.text_at("contact", speaker(), NOW))
    on_air(session, cast, outro="contact")
    (airing,) = documents.area_document(session, village, NOW, 30).airings
    programme, outro = parts_for(airing.parts, ["vi"])

    class Held:
        def ready(self, sha256):
            return object() if sha256 == programme.sha256 else None

    assert choose_sounds((programme, outro), Held()) == ([programme], [])


def test_a_changed_group_is_spoken_once_and_said_again(engine, cast, store):
    with transaction(engine) as session:
        area_edits.update(session, SYSTEM, cast.areas["upper"], {"group": GROUP}, NOW)
        area_edits.update(session, SYSTEM, cast.areas["lower"], {"group": GROUP}, NOW)
        schedule, _ = on_air(session, cast, outro="contact")
        before = schedule.expanded_until
    assert spoken_lines.speak_missing(engine, store, NO_VOICE, NOW) == 1, "two villages, one text"
    assert spoken_lines.speak_missing(engine, store, NO_VOICE, NOW) == 0
    with reading(engine) as session:
        line = session.get(SpokenLine, outros.text_hash(outros.text_at("contact", speaker(), NOW)))
        assert store.has(line.sha256)
        asked = session.query(ServiceCommand).order_by(ServiceCommand.id.desc()).first()
        assert asked.kind == CommandKind.SCHEDULES_CHANGED
        assert set(asked.body["area_ids"]) == {cast.areas[n] for n in ("commune", "upper", "lower")}
        (airing,) = documents.area_document(session, cast.areas["lower"], NOW, 30).airings
        assert airing.parts[-1].sha256 == line.sha256
        assert before is not None
        length_ms = sum(part.duration_ms for part in airing.parts)
        tree = Tree.load(session)
        hears = outros.longest_ms(session, "contact", [cast.areas["commune"]], tree, NOW)
        assert hears == line.duration_ms
        assert length_ms == 60_000 + line.duration_ms


def test_a_village_hears_it_in_its_own_languages_in_order(engine, session, cast, village):
    english = outros.text_at("contact", speaker(), NOW, "en")
    assert english == "For more help, please ask Tổ Đồi Mới, chị Lan, telephone 0912 345 678."
    area_edits.update(session, SYSTEM, village, {"languages": ["en", "vi"]}, NOW)
    make_node(session, village, "TH-03", languages=["tyz"])
    vietnamese = outros.text_at("contact", speaker(), NOW)
    data = schedule_input(make_clip(session).id, village, outro="contact")
    unspoken = schedules.draft(session, SYSTEM, data, NOW)
    assert [(each.language, each.text) for each in unspoken.outros] == [
        ("en", english),
        ("vi", vietnamese),
    ]
    (unread,) = [each for each in unspoken.conflicts if each["rule"] == "no_voice"]
    assert "tiếng Tày vì chưa có giọng đọc" in unread["vi"]
    assert "cannot be read in Tày, which has no voice" in unread["en"]
    lines = {text: spoken(session, text) for text in (vietnamese, english)}
    on_air(session, cast, outro="contact")
    (airing,) = documents.area_document(session, village, NOW, 30).airings

    def last_words(*languages):
        known = {line.sha256: text for text, line in lines.items()}
        parts = parts_for(airing.parts, languages)
        return [known[part.sha256] for part in parts if part.sha256 in known]

    assert last_words("en", "vi") == [english, vietnamese]
    assert last_words("vi") == last_words("tyz") == [vietnamese]
    planned = schedules.draft(session, SYSTEM, data, NOW).occurrences[0]
    assert (planned.ends_at - planned.starts_at).total_seconds() == 60 + 7 + 7


def test_only_the_languages_that_somebody_hears_are_spoken(engine, cast, store):
    with transaction(engine) as session:
        area_edits.update(session, SYSTEM, cast.areas["upper"], {"group": GROUP}, NOW)
        on_air(session, cast, outro="contact")
        assert set(spoken_lines.missing(session, store, NOW).values()) == {"vi"}
        area_edits.update(session, SYSTEM, cast.areas["upper"], {"languages": ["en"]}, NOW)
        assert set(spoken_lines.missing(session, store, NOW).values()) == {"vi", "en"}
    assert spoken_lines.speak_missing(engine, store, Speaking(), NOW) == 2


def test_the_tune_of_the_class_comes_from_the_area_above(session, cast, village):
    for name in ("lang_que", "dan_bau"):
        session.add(Tune(name=name, title=name, sha256=sha(name), bytes=1, duration_ms=3000))
    tunes = {"normal": "lang_que", "priority": "dan_bau"}
    area_edits.update(session, SYSTEM, cast.areas["commune"], {"policy": {"tunes": tunes}}, NOW)
    clip = make_clip(session)
    for class_, name in tunes.items():
        data = schedule_input(
            clip.id, cast.areas["upper"], f"2026-11-23T1{len(name)}:00", tune="default",
            class_=class_,
        )  # fmt: skip
        schedule, _ = schedules.create(session, SYSTEM, data, NOW)
        schedule.status = "approved"
        schedules.put_on_air(session, SYSTEM, schedule, NOW)
    said = documents.area_document(session, cast.areas["upper"], NOW, 30).airings
    assert {airing.class_: airing.parts[0].sha256 for airing in said} == {
        class_: sha(name) for class_, name in tunes.items()
    }


def test_areas_with_different_tunes_take_a_schedule_each(session, cast):
    for area, tune in (("upper", "lang_que"), ("lower", "dan_bau")):
        policy = {"tunes": {"normal": tune}}
        area_edits.update(session, SYSTEM, cast.areas[area], {"policy": policy}, NOW)
    places = [cast.areas["upper"], cast.areas["lower"]]
    data = schedule_input(make_clip(session).id, places, tune="default")
    with pytest.raises(BadInput, match="different tunes"):
        schedules.draft(session, SYSTEM, data, NOW)
    with pytest.raises(BadInput, match="fill it in"):
        area_edits.update(session, SYSTEM, places[0], {"policy": {"tunes": {"normal": "x"}}}, NOW)
