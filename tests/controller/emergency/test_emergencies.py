"""Emergencies: at once, twice if asked, by two people where policy says so, and cancelled."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.emergency import emergencies
from controller.emergency.area_states import MOST_SOUNDINGS, area_state
from controller.emergency.emergencies import START_DELAY, EmergencyInput, Repeat
from controller.errors import BadInput, Conflict, NotAllowed, NotFound
from controller.models import Airing, Approval, AuditEntry, EmergencyState, ServiceCommand, Tune
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.outcomes import AiringClass, Origin
from tests.controller.factories import NOW, make_clip


@pytest.fixture
def commune(cast):
    return cast.alice.area_id


@pytest.fixture
def flood(session, commune):
    return make_clip(session, title="Lũ khẩn cấp", area_id=commune, duration_ms=20_000)


def begin(session, actor, clip, commune, **more):
    data = EmergencyInput(clip.id, [commune], more.pop("drill", False), **more)
    return emergencies.begin(session, actor, data, NOW)


def two_people(session, commune):
    rule = {"policy": {"approval": {"emergency_people": 2}}}
    area_edits.update(session, SYSTEM, commune, rule, NOW)


def test_an_emergency_sounds_at_once_and_repeats(session, cast, flood, commune):
    begin(session, cast.alice, flood, commune, repeat=Repeat(3, 300))
    state = area_state(session, commune, NOW)
    starts = [airing.starts_at for airing in state.airings]
    assert starts == [NOW + START_DELAY + n * timedelta(minutes=5) for n in range(3)]
    assert {airing.class_ for airing in state.airings} == {AiringClass.EMERGENCY}
    assert {airing.origin for airing in state.airings} == {Origin.EMERGENCY}
    assert state.airings[0].parts[-1].clip_id == flood.id


def test_a_drill_never_begins_like_the_real_thing(session, cast, flood, commune):
    for number, name in enumerate((emergencies.ALERT_TUNE, emergencies.DRILL_TUNE)):
        tone = Tune(name=name, title=name, sha256=str(number) * 64, bytes=9, duration_ms=2_000)
        session.add(tone)
    real = begin(session, cast.alice, flood, commune)
    drill = begin(session, cast.alice, flood, commune, drill=True)
    assert [each.parts[0]["sha256"][0] for each in (real, drill)] == ["0", "1"]


def test_the_service_is_asked_in_the_same_transaction(session, cast, flood, commune):
    emergency = begin(session, cast.alice, flood, commune)
    asked = session.scalars(select(ServiceCommand).order_by(ServiceCommand.id.desc())).first()
    assert asked.body == {"area_ids": [commune], "verb": "play", "emergency_id": emergency.id}


def test_where_two_must_agree_nothing_sounds_before_the_second(session, cast, flood, commune):
    two_people(session, commune)
    emergency = begin(session, cast.bob, flood, commune)
    assert emergency.state is EmergencyState.WAITING
    assert area_state(session, commune, NOW).airings == ()
    with pytest.raises(NotAllowed):
        emergencies.confirm(session, cast.bob, emergency.id, NOW)
    emergencies.confirm(session, cast.alice, emergency.id, NOW)
    assert len(area_state(session, commune, NOW).airings) == 1
    with pytest.raises(Conflict):
        emergencies.confirm(session, cast.alice, emergency.id, NOW)


def test_a_second_person_who_comes_too_late_is_told_so(session, cast, flood, commune):
    two_people(session, commune)
    emergency = begin(session, cast.bob, flood, commune)
    with pytest.raises(Conflict):
        emergencies.confirm(session, cast.alice, emergency.id, NOW + timedelta(minutes=11))


def test_a_cancelled_emergency_silences_what_sounds_and_takes_off_the_rest(
    session, cast, flood, commune
):
    emergency = begin(session, cast.alice, flood, commune, repeat=Repeat(3, 300))
    later = NOW + timedelta(seconds=10)
    emergencies.cancel(session, cast.alice, emergency.id, later)
    emergencies.cancel(session, cast.alice, emergency.id, later)
    state = area_state(session, commune, later)
    assert state.airings == ()
    assert len(state.cancelled) == 3
    rows = session.scalars(select(Airing).where(Airing.emergency_id == emergency.id)).all()
    assert sorted(row.cancelled_at is None for row in rows) == [False, False, True]


def test_what_is_over_no_longer_stands_in_the_state(session, cast, flood, commune):
    begin(session, cast.alice, flood, commune)
    assert area_state(session, commune, NOW + timedelta(minutes=30)).airings == ()


def test_a_clip_that_is_not_approved_is_no_emergency_message(session, cast, commune):
    draft = make_clip(session, area_id=commune, status=Approval.PENDING)
    with pytest.raises(BadInput):
        begin(session, cast.alice, draft, commune)


@pytest.mark.parametrize("repeat", [Repeat(0, 300), Repeat(61, 300), Repeat(2, 9)])
def test_a_repeat_beyond_reason_is_refused(session, cast, flood, commune, repeat):
    with pytest.raises(BadInput):
        begin(session, cast.alice, flood, commune, repeat=repeat)


def test_a_stop_stands_a_day_and_a_mute_until_its_time(session, cast, commune):
    until = NOW + timedelta(hours=2)
    emergencies.stop(session, cast.alice, [commune], NOW, until)
    state = area_state(session, commune, NOW)
    assert (state.stopped_at, state.muted_until) == (NOW, until)
    later = area_state(session, commune, NOW + timedelta(days=2))
    assert (later.stopped_at, later.muted_until) == (None, None)


def test_every_step_is_in_the_audit_log(session, cast, flood, commune):
    emergency = begin(session, cast.alice, flood, commune)
    emergencies.cancel(session, cast.alice, emergency.id, NOW)
    emergencies.stop(session, cast.alice, [commune], NOW)
    done = set(session.scalars(select(AuditEntry.action)))
    assert {"emergency.begin", "emergency.cancel", "area.stop"} <= done


def test_the_log_names_the_rules_that_were_passed_over(session, cast, flood, commune):
    hours = {"permit": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "02:00", "to": "02:05"}]}
    policy = {"policy": {**hours, "source": "Quy chế đài xã"}}
    area_edits.update(session, SYSTEM, commune, policy, NOW)
    begin(session, cast.alice, flood, commune, repeat=Repeat(2, 300))
    query = select(AuditEntry).where(AuditEntry.action == "emergency.begin")
    entry = session.scalars(query).one()
    assert entry.user_id == cast.alice.user_id
    assert entry.detail["title"] == "Lũ khẩn cấp"
    said = [each["vi"] for each in entry.detail["passed_over"]]
    assert len(said) == 2
    assert all("(02:00-02:05) theo Quy chế đài xã" in each for each in said)


def test_charlie_reaches_nothing_of_it(session, cast, flood, commune):
    emergency = begin(session, cast.alice, flood, commune)
    with pytest.raises(NotFound):
        emergencies.get(session, cast.charlie, emergency.id)
    with pytest.raises(NotFound):
        begin(session, cast.charlie, flood, commune)
    with pytest.raises(NotFound):
        emergencies.stop(session, cast.charlie, [commune], NOW)


def test_an_editor_may_stop_but_not_raise_an_alarm(session, cast, flood, commune):
    with pytest.raises(NotAllowed):
        begin(session, cast.erin, flood, commune)
    emergencies.stop(session, cast.erin, [commune], NOW)


def test_after_two_minutes_the_deputy_confirms_alone(session, cast, flood, commune):
    rule = {"approval": {"emergency_people": 2, "emergency_deputy": "alice"}}
    area_edits.update(session, SYSTEM, commune, {"policy": rule}, NOW)
    emergency = begin(session, cast.alice, flood, commune)
    assert emergencies.deputy_of(session, emergency).id == cast.alice.user_id
    with pytest.raises(NotAllowed):
        emergencies.confirm(session, cast.alice, emergency.id, NOW + timedelta(seconds=119))
    emergencies.confirm(session, cast.alice, emergency.id, NOW + timedelta(seconds=120))
    assert emergency.state is EmergencyState.ACTIVE
    actions = set(session.scalars(select(AuditEntry.action)))
    assert "emergency.confirm_as_deputy" in actions


def test_a_deputy_who_may_not_approve_stands_in_and_nobody_else_does(session, cast, flood, commune):
    rule = {"approval": {"emergency_people": 2, "emergency_deputy": "tom"}}
    area_edits.update(session, SYSTEM, commune, {"policy": rule}, NOW)
    emergency = begin(session, cast.alice, flood, commune)
    later = NOW + timedelta(minutes=3)
    for nobody in (cast.alice, cast.erin):
        with pytest.raises(NotAllowed):
            emergencies.confirm(session, nobody, emergency.id, later)
    emergencies.confirm(session, cast.tom, emergency.id, later)
    assert emergency.state is EmergencyState.ACTIVE


def test_a_drill_is_called_a_drill_in_the_log_and_on_the_node(session, cast, flood, commune):
    drill = begin(session, cast.alice, flood, commune, drill=True)
    rows = session.scalars(select(Airing).where(Airing.emergency_id == drill.id))
    assert [row.title for row in rows] == ["Diễn tập: Lũ khẩn cấp"]
    assert area_state(session, commune, NOW).airings[0].title == "Diễn tập: Lũ khẩn cấp"


def test_a_repeat_beyond_two_days_still_stands(session, cast, flood, commune):
    begin(session, cast.alice, flood, commune, repeat=Repeat(4, 86_400))
    later = NOW + timedelta(days=2, hours=12)
    assert len(area_state(session, commune, later).airings) == 4
    assert area_state(session, commune, later + timedelta(days=1)).airings == ()


def test_what_is_over_or_was_never_confirmed_is_said_to_have_expired(session, cast, flood, commune):
    over = begin(session, cast.alice, flood, commune)
    two_people(session, commune)
    waiting = begin(session, cast.bob, flood, commune)
    assert emergencies.expire(session, NOW + timedelta(minutes=10)) == 0
    assert emergencies.expire(session, NOW + timedelta(minutes=11)) == 2
    assert {over.state, waiting.state} == {EmergencyState.EXPIRED}


def test_the_state_of_many_emergencies_still_fits_into_a_message(session, cast, commune):
    long = make_clip(session, title="ữ" * 200, area_id=commune, duration_ms=20_000)
    for name in (emergencies.ALERT_TUNE, emergencies.DRILL_TUNE):
        session.add(Tune(name=name, title=name, sha256="0" * 64, bytes=9, duration_ms=2_000))
    for _ in range(6):
        begin(session, cast.alice, long, commune, drill=True, repeat=Repeat(60, 300))
    later = NOW + timedelta(hours=1)
    state = area_state(session, commune, later)
    assert len(state.airings) == MOST_SOUNDINGS
    assert NOW < state.airings[0].starts_at < state.airings[-1].starts_at
    heading = Heading("main", f"area:{commune}", "controller", 1, later, later)
    seal(MessageType.AREA_STATE, heading, state, [SigningKey.generate()])  # or it raises
