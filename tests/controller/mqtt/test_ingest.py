"""What comes in is trusted, committed, and only then acknowledged."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from controller.database import reading, transaction
from controller.models import Device, DeviceBinding, NodeReport, Playback
from controller.mqtt import presence
from controller.mqtt.ingest import Ingest, Listeners
from controller.mqtt.link import Arrival
from controller.outcomes import refusals
from protocol import envelope
from protocol.claims import proof
from protocol.codec import from_json, to_json
from protocol.envelope import Heading, MessageType
from protocol.keys import SigningKey
from protocol.messages import (
    Answer,
    Beacon,
    Beat,
    Claim,
    Presence,
    Report,
    ReportAck,
    ReportBatch,
    Status,
    Want,
)
from protocol.outcomes import Outcome
from protocol.topics import Topics
from tests.controller.mqtt.conftest import NOW

TOPICS = Topics("main")


class Speaker:
    """A device's side: seals what it says, numbered."""

    def __init__(self, key=None):
        self.key = key or SigningKey.generate()
        self.id = self.key.verify_key.device_id
        self.seq = 0
        self.mid = 0

    def says(self, channel, type_, message, *, seq=None, site="main", from_=None, key=None):
        self.seq = seq or self.seq + 1
        heading = Heading(site, "site", from_ or self.id, self.seq, NOW, NOW + timedelta(days=1))
        raw = envelope.seal(type_, heading, message, [key or self.key])
        topic = (
            TOPICS.claim(self.id) if channel == "claim" else TOPICS.from_device(self.id, channel)
        )
        return self.arrival(topic, raw)

    def arrival(self, topic, raw):
        self.mid += 1
        return Arrival(topic, raw, self.mid, 1)

    def claims(self, code):
        shown = self.key.verify_key
        return self.says("claim", MessageType.CLAIM, Claim(shown.hex, proof(code, shown), "Pi 4"))

    def presence(self, **fields):
        return self.says("presence", MessageType.PRESENCE, Presence(**{"online": True, **fields}))

    def status(self, **fields):
        return self.says("status", MessageType.STATUS, Status(**fields))

    def beat(self, uptime_s, **said):
        return self.says("beat", MessageType.BEAT, Beat(uptime_s, 7), **said)

    def report(self, *seqs, epoch="e1", **said):
        found = tuple(
            Report(seq, airing_id=f"a{seq}", planned_at=NOW, outcome=Outcome.PLAYED) for seq in seqs
        )
        return self.says("report", MessageType.REPORTS, ReportBatch(epoch, found), **said)

    def want(self, **said):
        return self.says("want", MessageType.WANT, Want("a" * 64, 10, "AA=="), **said)


class Listener:
    def __init__(self):
        self.bound, self.wanted, self.replans = [], [], 0

    def holds_changed(self):
        self.replans += 1


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def ingest(engine, publisher, link, clock, listener, commune):
    return Ingest(
        engine,
        publisher,
        link.acknowledge,
        Listeners(
            listener.bound.append,
            lambda *said: listener.wanted.append(said),
            listener.holds_changed,
        ),
        clock,
        lambda: 0.0,
    )


@pytest.fixture
def speaker(place, bind):
    node_id, _ = place()
    speaker = Speaker()
    bind(node_id, speaker.key)
    return speaker


@pytest.fixture
def handle(ingest):
    def do(*arrivals):
        for arrival in arrivals:
            ingest.put(arrival)
        assert ingest.step(0)

    return do


@pytest.fixture
def said_to(link, controller_key):
    def read(device_id, channel, type_, cls):
        shown = controller_key.verify_key
        raw = link.last(TOPICS.to_device(device_id, channel)).payload
        return from_json(cls, envelope.verify(raw, type_, {shown.kid: shown}))

    return read


def rows(engine, model):
    with reading(engine) as session:
        return list(session.scalars(select(model)))


def test_reports_are_committed_then_acknowledged_to_broker_and_device(
    handle, speaker, engine, link, said_to
):
    first = speaker.report(1, 2)
    handle(first, speaker.report(3))
    assert len(rows(engine, NodeReport)) == 3
    assert len(rows(engine, Playback)) == 3
    assert link.acknowledged[0] == first
    assert said_to(speaker.id, "ack", MessageType.ACK, ReportAck).upto == 3
    assert link.last(TOPICS.to_device(speaker.id, "ack")).expires_in_s == 3600


@dataclass(frozen=True, slots=True)
class LaterBatch:
    """As a later version writes it: words and shapes this one does not know."""

    store_epoch: str
    reports: tuple[dict[str, Any], ...]


def later_reports(speaker, *said):
    whole = to_json(Report(0, airing_id="a", planned_at=NOW, outcome=Outcome.PLAYED, played_ms=9))
    batch = LaterBatch("e1", tuple(whole | each for each in said))
    return speaker.says("report", MessageType.REPORTS, batch)


def test_reports_of_a_later_version_hold_nothing_up(handle, speaker, engine, said_to, ingest):
    handle(
        later_reports(
            speaker,
            {"seq": 1, "airing_id": "a1"},
            {"seq": 2, "airing_id": "a2", "outcome": "sung"},
            {"seq": 3, "airing_id": "a3", "outcome": "hummed", "played_ms": 0},
            {"seq": 4, "airing_id": "a4", "kind": "echo"},
            {"seq": 5, "airing_id": "a5", "xruns": "many"},
            {"seq": "six", "airing_id": "a6"},
            {"seq": 7, "airing_id": "a7", "played_ms": -1},
            {"seq": 8, "airing_id": "a8", "mood": "good"},
        )
    )
    told = {row.airing_id: (row.outcome, row.reason) for row in rows(engine, Playback)}
    assert told == {
        "a1": ("played", ""),
        "a2": ("partial", "not_understood"),
        "a3": ("missed", "not_understood"),
        "a5": ("played", "not_understood"),
        "a8": ("played", ""),
    }
    kept = {row.seq: row.body for row in rows(engine, NodeReport)}
    assert kept.keys() == {1, 2, 3, 4, 5, 7, 8}
    assert kept[4]["kind"] == "echo"
    ack = said_to(speaker.id, "ack", MessageType.ACK, ReportAck)
    assert (ack.upto, ack.also) == (5, (7, 8))
    assert ingest.refused["not_understood"] == 6


def test_a_report_no_database_can_keep_costs_the_others_nothing(
    handle, speaker, engine, said_to, ingest
):
    good = {"planned_at": "2026-11-22T05:00:00Z", "outcome": "played", "detail": "hay \U0001f600"}
    batch = [{"seq": seq, "kind": "finished", "airing_id": f"a{seq}", **good} for seq in (1, 2, 3)]
    batch[1]["detail"] = "lạ \0"
    handle(speaker.says("report", MessageType.REPORTS, {"store_epoch": "e1", "reports": batch}))
    assert {row.airing_id: row.detail for row in rows(engine, Playback)} == {
        "a1": good["detail"],
        "a3": good["detail"],
    }
    kept = {row.seq: (row.airing_id, row.body["detail"]) for row in rows(engine, NodeReport)}
    assert kept == {
        1: ("a1", "hay \U0001f600"),
        2: ("a2", "lạ \ufffd"),
        3: ("a3", "hay \U0001f600"),
    }
    assert said_to(speaker.id, "ack", MessageType.ACK, ReportAck).upto == 3
    assert (ingest.refused["not_understood"], ingest.refused["malformed"]) == (1, 0)


def test_an_epoch_no_database_can_keep_is_refused(handle, speaker, engine, ingest):
    handle(speaker.report(1, epoch="\0"))
    assert (rows(engine, NodeReport), ingest.refused["malformed"]) == ([], 1)


def test_nothing_is_acknowledged_while_the_database_is_away(
    ingest, speaker, engine, link, monkeypatch
):
    arrival = speaker.report(1)
    ingest.put(arrival)
    away = OperationalError("INSERT", {}, Exception("disk I/O error"))
    with monkeypatch.context() as patch:
        patch.setattr("controller.mqtt.reports.commit", _raises(away))
        patch.setattr("controller.mqtt.ingest._RETRY_S", 0)
        assert ingest.step(0)
    assert (link.acknowledged, link.sent) == ([], [])
    assert ingest.step(0)
    assert link.acknowledged == [arrival]
    assert len(rows(engine, NodeReport)) == 1


def test_one_poisonous_message_does_not_keep_back_the_others(
    ingest, speaker, engine, link, monkeypatch
):
    monkeypatch.setattr(presence, "take_status", _raises(ValueError("poison")))
    for arrival in (speaker.report(1), speaker.status(), speaker.report(2)):
        ingest.put(arrival)
    assert ingest.step(0)
    assert len(link.acknowledged) == 3
    assert len(rows(engine, NodeReport)) == 2


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda s: s.report(1, key=SigningKey.generate()), "unknown_key"),
        (lambda s: s.report(1, site="other"), "wrong_site"),
        (lambda s: s.report(1, from_="e" * 32), "wrong_audience"),
        (lambda s: Speaker().report(1), "unknown_key"),
        (lambda s: s.arrival(TOPICS.from_device(s.id, "report"), b"nonsense"), "malformed"),
        (lambda s: s.says("report", MessageType.STATUS, Status()), "wrong_type"),
        (lambda s: s.says("status", MessageType.STATUS, Status(sink="\0")), "malformed"),
    ],
)
def test_what_cannot_be_trusted_is_counted_and_dropped(
    handle, speaker, ingest, engine, link, make, reason
):
    handle(make(speaker))
    assert ingest.refused[reason] == 1
    assert rows(engine, NodeReport) == []
    assert len(link.acknowledged) == 1
    assert link.sent == []


def test_a_device_shut_out_between_verifying_and_keeping_does_not_come_online(
    ingest, speaker, engine, monkeypatch
):
    verified = ingest._open_all

    def and_then_shut_out(batch):
        opened = verified(batch)
        with transaction(engine) as session:
            session.get_one(Device, speaker.id).shut_out_at = NOW
        return opened

    monkeypatch.setattr(ingest, "_open_all", and_then_shut_out)
    ingest.put(speaker.status())
    assert ingest.step(0)
    assert ingest.refused["unknown_key"] == 1
    (device,) = rows(engine, Device)
    assert not device.online


def test_what_is_refused_is_counted_for_good_and_seldom(
    engine, publisher, link, clock, listener, speaker
):
    at_s = [0.0]
    asks = Listeners(listener.bound.append, listener.wanted.append, listener.holds_changed)
    ingest = Ingest(engine, publisher, link.acknowledge, asks, clock, lambda: at_s[0])
    forged = speaker.says("status", MessageType.STATUS, Status(), key=SigningKey.generate())
    for _ in range(3):
        ingest.put(forged)
    assert ingest.step(0)
    with reading(engine) as session:
        assert refusals.known(session) is None
    at_s[0] = 2.0
    assert not ingest.step(0)
    ingest.put(forged)
    ingest.put(speaker.arrival(TOPICS.from_device(speaker.id, "status"), b"nonsense"))
    assert ingest.step(0)
    at_s[0] = 4.0
    assert not ingest.step(0)
    with reading(engine) as session:
        found = refusals.known(session)
    assert found.counts == {"unknown_key": 4, "malformed": 1}
    assert (found.total, found.last_at) == (5, clock())


def test_what_is_older_than_was_taken_is_counted_and_the_same_again_is_not(handle, ingest, speaker):
    old = [speaker.presence(session=1), speaker.status(), speaker.beat(1), speaker.want()]
    new = [speaker.presence(session=1), speaker.status(), speaker.beat(2), speaker.want()]
    for arrival in [*old, *new, *new[-3:]]:
        handle(arrival)
    assert ingest.refused["replayed"] == 0
    for arrival in old:
        handle(arrival)
    assert ingest.refused["replayed"] == 4


def test_a_forged_signature_is_refused(handle, speaker, ingest, engine):
    good = speaker.report(1)
    handle(speaker.arrival(good.topic, good.payload.replace(b'"a1"', b'"a2"')))
    assert ingest.refused["bad_signature"] == 1
    assert rows(engine, NodeReport) == []


def test_another_device_cannot_speak_on_this_one_s_topic(handle, speaker, ingest, place, bind):
    other = Speaker()
    bind(place("loa-09")[0], other.key)
    said = other.report(1)
    handle(speaker.arrival(TOPICS.from_device(speaker.id, "report"), said.payload))
    assert ingest.refused["unknown_key"] == 1


def test_a_device_that_was_shut_out_is_no_longer_heard(handle, speaker, engine, ingest):
    with transaction(engine) as session:
        session.get_one(Device, speaker.id).shut_out_at = NOW
    handle(speaker.report(1))
    assert ingest.refused["unknown_key"] == 1


def test_presence_is_answered_by_a_beacon_with_its_nonce(handle, speaker, engine, said_to):
    handle(speaker.presence(nonce="n1", session=4, boot_id="b", store_epoch="e"))
    assert said_to(speaker.id, "beacon", MessageType.BEACON, Beacon) == Beacon("n1", NOW)
    (device,) = rows(engine, Device)
    assert (device.online, device.session, device.last_seen_at) == (True, 4, NOW)


def test_a_retained_presence_heard_again_is_not_answered(handle, speaker, link):
    arrival = speaker.presence(nonce="n1", session=1)
    handle(arrival)
    link.sent.clear()
    handle(arrival)
    assert link.sent == []


def test_a_status_with_other_clips_asks_for_a_new_plan(handle, speaker, engine, listener):
    handle(speaker.status(holds=("a" * 64,)))
    handle(speaker.status(holds=("a" * 64,)))
    assert listener.replans == 1
    (device,) = rows(engine, Device)
    assert device.status["holds"] == ["a" * 64]


def test_a_wish_reaches_the_seeder_once(handle, speaker, listener):
    wish = speaker.want()
    handle(wish)
    handle(wish)
    assert listener.wanted == [(speaker.key.verify_key.device_id, Want("a" * 64, 10, "AA=="))]


def test_a_claim_binds_the_device_and_is_told(handle, place, engine, listener):
    node_id, code = place("loa-05")
    newcomer = Speaker()
    handle(newcomer.claims(code))
    assert [b.node_id for b in listener.bound] == [node_id]
    assert [b.device_id for b in rows(engine, DeviceBinding)] == [newcomer.id]


def test_a_claim_with_a_wrong_code_binds_nobody(handle, place, engine, ingest, listener):
    place("loa-05")
    handle(Speaker().claims("AAAA-BBBB-CCCC"))
    assert (listener.bound, rows(engine, Device)) == ([], [])
    assert ingest.refused["claim"] == 1


def test_a_claim_under_another_s_name_is_refused(handle, place, engine, ingest):
    _, code = place("loa-05")
    honest, thief = Speaker(), Speaker()
    stolen = honest.claims(code)
    handle(thief.arrival(TOPICS.claim(thief.id), stolen.payload))
    assert ingest.refused["wrong_audience"] == 1
    assert rows(engine, DeviceBinding) == []


def test_claims_come_no_faster_than_they_can_be_weighed(ingest, place):
    for _ in range(120):
        ingest.put(Speaker().claims("AAAA-BBBB-CCCC"))
    while ingest.step(0):
        pass
    assert ingest.refused["too_many_claims"] == 20


def test_an_answer_is_heard(handle, speaker, link):
    handle(speaker.says("answer", MessageType.ANSWER, Answer("c1", "stop", True)))
    assert len(link.acknowledged) == 1


def test_topics_that_are_not_ours_are_passed_over(handle, speaker, link):
    handle(speaker.arrival("something/else", b"x"), speaker.arrival(TOPICS.schedule("a"), b"x"))
    assert len(link.acknowledged) == 2


def test_with_nothing_there_a_step_has_nothing_to_do(ingest):
    assert not ingest.step(0)


def _raises(error):
    def call(*_arguments, **_named):
        raise error

    return call


def test_a_beat_is_a_sign_of_life_and_a_replayed_one_is_none(handle, speaker, engine, clock):
    handle(speaker.presence(), speaker.status(holds=("a",), uptime_s=1))
    beat = speaker.beat(60)
    handle(beat)
    (device,) = rows(engine, Device)
    assert (device.status["uptime_s"], device.status["holds"]) == (60, ["a"])
    assert device.status["clock"]["offset_ms"] == 7
    with transaction(engine) as session:
        session.get(Device, speaker.id).online = False
    handle(beat)
    assert not rows(engine, Device)[0].online
    handle(speaker.beat(120))
    assert rows(engine, Device)[0].online


def test_a_status_without_its_clips_leaves_those_known(handle, speaker, engine, listener):
    handle(speaker.status(holds=("a", "b")))
    handle(speaker.status(holds_same=True, playing="x"))
    (device,) = rows(engine, Device)
    assert (device.status["holds"], device.status["playing"]) == (["a", "b"], "x")
    assert listener.replans == 1
