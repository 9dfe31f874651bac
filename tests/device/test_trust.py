"""The gate: whatever is forged, replayed, misaddressed, expired or damaged stays outside."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.identity import Counters
from device.trust import Gate
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import AreaState, Command, Trust, TrustedKey
from tests.device.fakes import START, FakeClock

KEY = SigningKey.generate()
STRANGER, NEXT, AFTER = (SigningKey.generate() for _ in range(3))
DEVICE = "d" * 32


def make_gate(folder, clock=None):
    clock = clock or FakeClock()
    keys = {KEY.verify_key.kid: KEY.verify_key}
    return Gate("main", DEVICE, keys, Counters(folder), clock, area_path=("village",))


@pytest.fixture
def gate(tmp_path):
    return make_gate(tmp_path)


def sealed(
    seq=1, *, key=KEY, to=f"device:{DEVICE}", site="main", type_=MessageType.COMMAND, ttl=60
):
    heading = Heading(site, to, "controller", seq, START, START + timedelta(seconds=ttl))
    return seal(type_, heading, Command("c1", "stop"), [key])


def opened(gate, raw, **options):
    return gate.open(raw, MessageType.COMMAND, "command", **options)


def test_a_message_for_us_is_opened_and_read(gate):
    assert opened(gate, sealed()).read(Command).verb == "stop"
    assert not gate.refused


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (sealed(key=STRANGER), "unknown_key"),
        (sealed(to="device:" + "e" * 32), "wrong_audience"),
        (sealed(to="area:elsewhere"), "wrong_audience"),
        (sealed(site="other"), "wrong_site"),
        (sealed(type_=MessageType.ACK), "wrong_type"),
        (sealed(ttl=0), "expired"),
        (sealed()[:-1], "bad_signature"),
        (sealed().replace(b"stop", b"play"), "bad_signature"),
        (b"", "malformed"),
        (b"{}\n{}", "malformed"),
    ],
)
def test_what_must_not_be_obeyed_is_counted_by_its_reason(gate, raw, reason):
    assert opened(gate, raw) is None
    assert gate.refused == {reason: 1}


def test_the_site_and_our_areas_are_audiences(gate):
    assert opened(gate, sealed(1, to="site"))
    assert opened(gate, sealed(2, to="area:village"))


def test_an_area_message_on_our_own_topic_is_misaddressed(gate):
    assert opened(gate, sealed(to="area:village"), to=f"device:{DEVICE}") is None


def test_a_replay_is_refused_also_after_a_restart(tmp_path):
    raw = sealed(5)
    assert opened(make_gate(tmp_path), raw)
    again = make_gate(tmp_path)
    assert opened(again, raw) is None
    assert opened(again, sealed(4)) is None
    assert again.refused == {"replayed": 2}
    assert opened(again, sealed(6))


def test_retained_state_may_repeat_itself_but_not_go_back(gate):
    assert not opened(gate, sealed(5), retained=True).repeated
    assert opened(gate, sealed(5), retained=True).repeated
    assert opened(gate, sealed(4), retained=True) is None


@pytest.fixture
def unwritable(tmp_path):
    """A gate whose counters the disk does not take."""
    gate = make_gate(tmp_path)
    gate.counters.save()
    for name in ("counters.a", "counters.b"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).mkdir()
    return gate


def ordered(verb, seq=1):
    heading = Heading(
        "main", f"device:{DEVICE}", "controller", seq, START, START + timedelta(days=1)
    )
    return seal(MessageType.COMMAND, heading, Command("c1", verb), [KEY])


@pytest.mark.parametrize("verb", ["play", "volume", "restart", "no_such_verb"])
def test_a_counter_that_cannot_be_kept_means_nothing_is_done(unwritable, verb):
    with pytest.raises(OSError):
        opened(unwritable, ordered(verb))
    assert not any(unwritable.counters.streams.values())


@pytest.mark.parametrize("verb", ["stop", "mute", "self_test", "log_tail", "resync"])
def test_what_is_urgent_is_obeyed_once_though_the_disk_takes_no_counter(unwritable, verb):
    assert opened(unwritable, ordered(verb, seq=5))
    assert opened(unwritable, ordered(verb, seq=5)) is None
    assert opened(unwritable, ordered(verb, seq=4)) is None
    assert unwritable.refused == {"replayed": 2}
    assert opened(unwritable, ordered(verb, seq=6))


@pytest.mark.parametrize("off_s", [-121, 121])
def test_an_urgent_order_of_another_time_is_not_obeyed_without_its_counter(unwritable, off_s):
    unwritable.clock.unix += off_s
    with pytest.raises(OSError):
        opened(unwritable, ordered("stop"))


def test_without_counter_and_without_time_nothing_is_obeyed(unwritable):
    unwritable.clock.believed = False
    with pytest.raises(OSError):
        opened(unwritable, ordered("stop"))


def test_what_was_obeyed_in_memory_is_written_when_the_disk_takes_it(unwritable, tmp_path):
    assert opened(unwritable, ordered("stop", seq=5))
    for name in ("counters.a", "counters.b"):
        (tmp_path / name).rmdir()
    unwritable.counters.save()
    assert opened(make_gate(tmp_path), ordered("stop", seq=5)) is None


@pytest.mark.parametrize(("after_s", "silent_only"), [(60, False), (3700, True)])
def test_an_old_state_may_silence_and_not_sound_without_its_counter(
    unwritable, after_s, silent_only
):
    heading = Heading("main", "area:village", "controller", 3, START, START + timedelta(days=1))
    raw = seal(MessageType.AREA_STATE, heading, AreaState("village", 3), [KEY])
    unwritable.clock.unix += after_s
    taken = unwritable.open(raw, MessageType.AREA_STATE, "area_state/village", retained=True)
    assert taken.silent_only is silent_only


def test_what_is_held_outlives_the_key_that_signed_it_and_nothing_new_by_it_counts(gate, tmp_path):
    ours = sealed(3)
    assert opened(gate, ours)
    for revision, (old, new) in enumerate(((KEY, NEXT), (NEXT, AFTER)), 1):
        trust = Trust(revision, (TrustedKey(new.verify_key.hex),))
        heading = Heading("main", "site", "controller", revision, START, START + timedelta(days=9))
        assert gate.take_trust(seal(MessageType.TRUST, heading, trust, [old, new]))
        gate.counters.save()
    again = make_gate(tmp_path)
    assert again.restore_trust(seal(MessageType.TRUST, heading, trust, [NEXT, AFTER]))
    for key in (KEY, NEXT, AFTER):
        assert again.reopen(sealed(3, key=key), MessageType.COMMAND, "")
    assert again.reopen(sealed(3, key=STRANGER), MessageType.COMMAND, "") is None
    assert opened(again, sealed(9)) is None
    assert opened(again, sealed(9, key=AFTER))


def test_expiry_is_not_judged_by_a_clock_nobody_trusts(tmp_path):
    clock = FakeClock()
    clock.believed = False
    assert opened(make_gate(tmp_path, clock), sealed(ttl=-999))


def test_a_command_needs_a_trusted_clock_or_a_fresh_beacon(tmp_path):
    clock = FakeClock()
    clock.believed = False
    gate = make_gate(tmp_path, clock)
    assert not gate.is_fresh()
    gate.fresh = True
    assert gate.is_fresh()


@settings(
    max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_mutation_of_a_message_is_accepted(gate, data):
    raw = bytearray(sealed(10**9))
    for _ in range(data.draw(st.integers(1, 4))):
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "swap"]))
        at = data.draw(st.integers(0, len(raw) - 1))
        if how == "flip":
            raw[at] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "cut":
            del raw[at : at + data.draw(st.integers(1, 9))]
        elif how == "insert":
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        else:
            other = data.draw(st.integers(0, len(raw) - 1))
            raw[at], raw[other] = raw[other], raw[at]
        if not raw:
            break
    body = sealed(10**9).partition(b"\n")[2]
    accepted = opened(gate, bytes(raw))
    if accepted is not None:
        # The header may be spelt otherwise; what was signed may not differ by a bit.
        assert bytes(raw).partition(b"\n")[2] == body
        gate.counters.streams.clear()
