"""The trust document from keyring and rules, as nodes understand it; rotation from end to end."""

import threading
from datetime import timedelta

import pytest

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import transaction
from controller.keys.countersigning import SecondParty
from controller.keys.second_signer import MOST_AN_HOUR, Signer, listening, main, read_allowed, serve
from controller.keys.signing import Keyring, load_or_create, public_keys
from controller.models import Document
from controller.mqtt.publisher import Publisher
from controller.publishing.vouching import Voucher
from device.identity import Counters
from device.trust import Gate
from protocol.envelope import Heading, MessageType, read_envelope, seal
from protocol.keys import SigningKey, VerifyKey
from protocol.messages import Airing, AreaState, Command, Part
from protocol.outcomes import AiringClass
from protocol.topics import Topics
from tests.device.fakes import FakeClock
from tests.fakes.link import FakeLink
from tests.support.commune import NOW

TOPICS = Topics("main")
SOUND = "ab" * 32
SECOND = SigningKey.generate()


def emergency(airing_id="e1", sound=SOUND, class_=AiringClass.EMERGENCY):
    airing = Airing(airing_id, NOW, class_, parts=(Part(sound, 10, 1000),))
    return Command("c", "play", airing=airing)


class Bench:
    """A controller's voice and a node's ear."""

    def __init__(self, engine, folder, second=None):
        self.engine = engine
        self.areas = {}
        self.signer = None
        self.path = folder / "keys" / "controller.key"
        self.ring = Keyring(self.path)
        self.link = FakeLink()
        self.publisher = Publisher(engine, self.link, self.ring, TOPICS, lambda: NOW, second=second)
        self.voucher = Voucher(engine, self.publisher, self.ring, second, lambda: NOW)

    def node(self, folder, keys=None, area="commune"):
        found = [VerifyKey.from_hex(text) for text in keys or public_keys(self.path)]
        known = {key.kid: key for key in found}
        clock = FakeClock()
        return Gate("main", "d" * 32, known, Counters(folder), clock, area_path=(area,))

    def told(self, gate):
        return gate.take_trust(self.link.last(TOPICS.trust()).payload)

    def said(self, message, to, type_=MessageType.COMMAND):
        with transaction(self.engine) as session:
            ttl = timedelta(days=1)
            return self.publisher.seal(session, type_, to, message, ttl)


@pytest.fixture
def bench(engine, cast, tmp_path):
    return Bench(engine, tmp_path)


def heard(gate, raw, type_=MessageType.COMMAND):
    return gate.open(raw, type_, "command") is not None


def test_a_node_that_knew_the_first_key_follows_to_the_next_and_lets_the_first_go(bench, tmp_path):
    gate = bench.node(tmp_path / "node")
    first = bench.ring.current
    to = "area:commune"
    bench.voucher.say()
    assert bench.told(gate)
    bench.ring.rotate()
    assert heard(gate, bench.said(Command("1", "stop"), to))  # signed by both already
    bench.voucher.say()
    assert bench.told(gate)
    bench.ring.finish()
    assert bench.ring.current != first
    bench.voucher.say()
    assert bench.told(gate)
    assert heard(gate, bench.said(Command("2", "stop"), to))
    heading = Heading("main", to, "controller", 10**9, NOW, NOW + timedelta(days=1))
    assert not heard(gate, seal(MessageType.COMMAND, heading, Command("3", "stop"), [first]))
    assert gate.refused == {"unknown_key": 1}


def test_a_node_that_was_away_all_the_while_finds_its_way_by_the_retired_keys(bench, tmp_path):
    gate = bench.node(tmp_path / "node")
    for _ in range(2):
        bench.ring.rotate()
        bench.ring.finish()
    bench.voucher.say()
    assert bench.told(gate)
    assert heard(gate, bench.said(Command("2", "stop"), "area:commune"))


def test_an_older_trust_document_does_not_come_back(bench, tmp_path):
    gate = bench.node(tmp_path / "node")
    bench.voucher.say()
    old = bench.link.last(TOPICS.trust()).payload
    bench.ring.rotate()
    bench.voucher.say()
    assert bench.told(gate)
    assert not gate.take_trust(old)
    assert gate.refused == {"replayed": 1}


def test_a_stranger_names_no_keys(bench, tmp_path):
    gate = bench.node(tmp_path / "node")
    bench.voucher.say()
    stranger = Bench(bench.engine, tmp_path / "stranger")
    with transaction(bench.engine) as session:
        session.delete(session.get_one(Document, TOPICS.trust()))
    stranger.voucher.say()
    assert not stranger.told(gate)
    assert gate.refused == {"unknown_key": 1}


def test_documents_are_signed_anew_when_the_keys_have_changed(bench):
    bench.voucher.say()
    count = len(bench.link.sent)
    assert not bench.voucher.say()
    bench.ring.rotate()
    assert bench.voucher.say()
    assert len(bench.link.sent) == count + 1
    envelope = read_envelope(bench.link.last(TOPICS.trust()).payload)
    assert len(envelope.signatures) == 2


def test_a_key_that_waits_is_not_made_twice(bench):
    assert bench.ring.rotate() == bench.ring.rotate()


@pytest.fixture
def guarded(engine, cast, tmp_path):
    """A commune whose rules want two signatures, and a second signer that permits one sound."""
    with transaction(engine) as session:
        rule = {"policy": {"approval": {"emergency_signatures": 2}}}
        area_edits.update(session, SYSTEM, cast.areas["commune"], rule, NOW)
    path = tmp_path / "sign.sock"
    bench = Bench(engine, tmp_path, SecondParty(path, SECOND.verify_key))
    bench.areas = cast.areas
    bench.signer = Signer(SECOND, [bench.ring.current.verify_key], lambda: frozenset({SOUND}))
    stop = threading.Event()
    with listening(path) as listener:
        thread = threading.Thread(target=serve, args=(bench.signer, listener, stop.is_set))
        thread.start()
        bench.voucher.say()
        yield bench
        stop.set()
        thread.join(10)


def test_a_mass_emergency_sounds_with_both_signatures_and_not_with_one(guarded, tmp_path):
    commune = guarded.areas["commune"]
    gate = guarded.node(tmp_path / "node", area=commune)
    assert guarded.told(gate)
    to = f"area:{commune}"
    assert heard(gate, guarded.said(emergency(), to))
    state = AreaState(commune, airings=(emergency().airing,))
    raw = guarded.said(state, to, MessageType.AREA_STATE)
    assert gate.open(raw, MessageType.AREA_STATE, "state")
    heading = Heading("main", to, "controller", 10**9, NOW, NOW + timedelta(days=1))
    for message in (emergency("e2"), emergency("e3", class_=AiringClass.NORMAL)):
        assert not heard(gate, seal(MessageType.COMMAND, heading, message, guarded.ring.signing))
    assert gate.refused == {"too_few_signatures": 2}
    # The second key alone says nothing either, and a stop wants one signature only.
    assert not heard(gate, seal(MessageType.COMMAND, heading, emergency("e4"), [SECOND]))
    assert heard(gate, guarded.said(Command("s", "stop"), to))


def test_one_village_is_no_mass_emergency(guarded, tmp_path):
    village = guarded.areas["upper"]
    gate = guarded.node(tmp_path / "node", area=village)
    assert guarded.told(gate)
    raw = guarded.said(emergency(), f"area:{village}")
    assert len(read_envelope(raw).signatures) == 1
    assert heard(gate, raw)


def test_the_second_signer_signs_permitted_emergencies_only(guarded):
    to = f"area:{guarded.areas['commune']}"
    signer = guarded.signer

    def answer(message, type_=MessageType.COMMAND, key=None):
        heading = Heading("main", to, "controller", 1, NOW, NOW + timedelta(days=1))
        return signer.answer(seal(type_, heading, message, [key or guarded.ring.current]))

    assert "signature" in answer(emergency())
    assert "not permitted" in answer(emergency(sound="cd" * 32))["refused"]
    assert "no emergency" in answer(emergency(class_=AiringClass.NORMAL))["refused"]
    assert "nothing sounds" in answer(Command("s", "stop"))["refused"]
    assert "unknown_key" in answer(emergency(), key=SigningKey.generate())["refused"]
    assert "refused" in signer.answer(b"\n")


def test_the_second_signer_signs_only_so_many_an_hour(guarded):
    now = [0.0]
    guarded.signer.monotonic = lambda: now[0]
    heading = Heading("main", "site", "controller", 1, NOW, NOW + timedelta(days=1))

    def signed(airing_id):
        raw = seal(MessageType.COMMAND, heading, emergency(airing_id), guarded.ring.signing)
        return "signature" in guarded.signer.answer(raw)

    assert all(signed(f"e{n}") for n in range(MOST_AN_HOUR))
    assert signed("e0")  # the same one again is no other emergency
    assert not signed("one too many")
    now[0] += 3601
    assert signed("one too many")


OTHER = "cd" * 32


def state(*sounds_by_id):
    """An area's state with a sounding for each (id, sound)."""
    airings = [emergency(airing_id, sound=sound).airing for airing_id, sound in sounds_by_id]
    return AreaState("commune", airings=tuple(airings))


def test_repeats_of_an_emergency_are_none_of_their_own_but_others_beside_it_are(guarded):
    """As an area's state brings them: a hundred repeats, and later the next ones."""
    signer = guarded.signer
    signer.monotonic = lambda: 0.0
    many = [f"{n:064x}" for n in range(MOST_AN_HOUR)]
    signer.allowed = lambda: frozenset({SOUND, OTHER, *many})
    heading = Heading("main", "area:commune", "controller", 1, NOW, NOW + timedelta(days=1))

    def answer(message, type_=MessageType.AREA_STATE):
        return signer.answer(seal(type_, heading, message, guarded.ring.signing))

    assert "signature" in answer(emergency("r0"), MessageType.COMMAND)
    for portion in range(MOST_AN_HOUR + 2):
        repeats = [(f"r{portion}-{n}", SOUND) for n in range(20)]
        assert "signature" in answer(state(*repeats)), portion
    # Several emergencies in one message are as many as they are.
    assert (
        "emergencies" in answer(state(*((f"m{n}", each) for n, each in enumerate(many))))["refused"]
    )
    assert "signature" in answer(state(("other", OTHER)))
    # The same sound over and over has an end, too.
    assert "soundings" in answer(state(*((f"x{n}", SOUND) for n in range(100))))["refused"]


def test_without_an_answer_the_message_goes_out_with_one_signature(engine, cast, tmp_path):
    party = SecondParty(tmp_path / "nobody.sock", SECOND.verify_key, frozenset({"area:commune"}))
    raw = Bench(engine, tmp_path, party).said(emergency(), "area:commune")
    assert len(read_envelope(raw).signatures) == 1


def test_the_command_permits_sounds_and_shows_its_key(tmp_path, capsys):
    folder = ["--folder", str(tmp_path)]
    assert main(["allow", *folder, SOUND]) == 0
    assert read_allowed(tmp_path / "allowed") == {SOUND}
    assert main(["allow", *folder, "no hash"]) == 2
    assert main(["key", *folder]) == 0
    key = load_or_create(tmp_path / "second.key").verify_key
    assert capsys.readouterr().out.strip() == key.hex
