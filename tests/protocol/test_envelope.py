"""Forged, replayed, misaddressed, expired, mutated: nothing but the real thing is accepted."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import from_json
from protocol.envelope import (
    MAX_BYTES,
    Heading,
    MessageType,
    Signature,
    check_heading,
    countersigned,
    heading_of,
    read_envelope,
    seal,
    verified,
    verify,
)
from protocol.errors import Malformed, ProtocolError, RefusalReason, Refused
from protocol.keys import SigningKey
from protocol.messages import Beacon, ReportAck

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
KEY, SECOND, STRANGER = (SigningKey(bytes([n] * 32)) for n in (1, 2, 3))
KEYS = {key.verify_key.kid: key.verify_key for key in (KEY, SECOND)}
HEADING = Heading("main", "device:d1", "controller", 7, NOW, NOW + timedelta(hours=1))


def sealed(*signers, heading=HEADING):
    return seal(MessageType.BEACON, heading, Beacon("abc", NOW), signers or (KEY,))


def refusal(call, *args, **kwargs):
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    return caught.value.reason


def test_a_sealed_message_comes_back_whole():
    body = verify(sealed(), MessageType.BEACON, KEYS)
    assert from_json(Beacon, body) == Beacon("abc", NOW)
    assert heading_of(body) == HEADING


def test_a_message_signed_by_a_stranger_is_refused():
    raw = sealed(STRANGER)
    assert refusal(verify, raw, MessageType.BEACON, KEYS) is RefusalReason.UNKNOWN_KEY


def test_a_strangers_signature_under_a_known_name_is_refused():
    raw = sealed(STRANGER).replace(STRANGER.verify_key.kid.encode(), KEY.verify_key.kid.encode(), 1)
    assert refusal(verify, raw, MessageType.BEACON, KEYS) is RefusalReason.BAD_SIGNATURE


def test_one_type_cannot_pass_as_another():
    raw = sealed()
    assert refusal(verify, raw, MessageType.ACK, KEYS) is RefusalReason.WRONG_TYPE
    renamed = raw.replace(b'"beacon"', b'"ack"', 1)
    assert refusal(verify, renamed, MessageType.ACK, KEYS) is RefusalReason.BAD_SIGNATURE


def test_who_signed_is_told_by_key():
    assert verified(sealed(KEY), MessageType.BEACON, KEYS)[1] == {KEY.verify_key.kid}
    both = {KEY.verify_key.kid, SECOND.verify_key.kid}
    assert verified(sealed(KEY, SECOND), MessageType.BEACON, KEYS)[1] == both


def test_one_wrong_signature_among_those_known_spoils_the_message():
    signature = Signature(SECOND.verify_key.kid, bytes(64))
    broken = countersigned(sealed(KEY), signature)
    assert refusal(verify, broken, MessageType.BEACON, KEYS) is RefusalReason.BAD_SIGNATURE


def test_stray_bits_in_the_base64_are_refused():
    raw = sealed(KEY)
    at = raw.index(b"==") - 1
    stray = raw[:at] + bytes([raw[at] + 1]) + raw[at + 1 :]
    with pytest.raises(Malformed):
        read_envelope(stray)


def test_a_signature_by_a_key_that_is_not_known_is_passed_over():
    assert verify(sealed(KEY, SigningKey.generate()), MessageType.BEACON, KEYS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"sigs"', b'{ "sigs"'),
        (b',"v":1}', b',"v":1,"v":1}'),
        (b',"v":1}', b',"v":1,"x":1}'),
        (b',"v":1}', b',"v":1.0}'),
        (b',"v":1}', b',"v":true}'),
        (b'{"kid"', b'{"alg":"none","kid"'),
    ],
)
def test_a_header_that_somebody_rewrote_is_not_the_one_that_was_sent(old, new):
    raw = sealed(KEY)
    assert old in raw
    with pytest.raises(Malformed):
        read_envelope(raw.replace(old, new, 1))


def test_the_same_signature_twice_is_not_what_was_sent():
    header, _, body = sealed(KEY).partition(b"\n")
    said = json.loads(header)
    said["sigs"] *= 2
    twice = json.dumps(said, separators=(",", ":")).encode() + b"\n" + body
    with pytest.raises(Malformed, match="two signatures"):
        read_envelope(twice)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"site": "other"}, RefusalReason.WRONG_SITE),
        ({"to": "device:d2"}, RefusalReason.WRONG_AUDIENCE),
        ({"seq": 6}, RefusalReason.REPLAYED),
        ({"expires_at": NOW}, RefusalReason.EXPIRED),
    ],
)
def test_a_heading_that_does_not_fit_is_refused(change, reason):
    fields = {name: getattr(HEADING, name) for name in Heading.__slots__} | change
    heading = Heading(**fields)
    call = {"site": "main", "audiences": ["device:d1", "site"], "now": NOW, "last_seq": 6}
    assert refusal(check_heading, heading, **call) is reason
    check_heading(HEADING, **call)


def test_without_a_trusted_clock_expiry_is_not_judged():
    old = Heading("main", "site", "controller", 7, NOW, NOW)
    check_heading(old, site="main", audiences=["site"], now=None, last_seq=6)


@settings(max_examples=500, deadline=None)
@given(position=st.integers(min_value=0), flip=st.integers(1, 255), cut=st.booleans())
def test_no_mutated_message_is_accepted(position, flip, cut):
    raw = sealed()
    position %= len(raw)
    mutated = bytearray(raw)
    mutated[position] ^= flip
    broken = raw[:position] if cut else bytes(mutated)
    try:
        body = verify(broken, MessageType.BEACON, KEYS)
    except ProtocolError:
        return
    # A change outside what is signed (white space of the header, say) may pass: the body may not.
    assert body == json.loads(read_envelope(raw).body)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_malformed_or_refused(raw):
    with pytest.raises(ProtocolError):
        verify(raw, MessageType.BEACON, KEYS)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}\n{}",
        b'{"v":2,"type":"ack","sigs":[]}\n{}',
        b'{"v":1,"type":"nonsense","sigs":[]}\n{}',
        b'{"v":1,"type":"ack","sigs":[{"kid":"a","sig":"!"}]}\n{}',
        b'{"v":1,"type":"ack","sigs":{}}\n{}',
        b"[" * 100_000 + b"\n",
        b"x" * (MAX_BYTES + 1),
    ],
)
def test_bytes_that_are_no_envelope_are_malformed(raw):
    with pytest.raises(Malformed):
        read_envelope(raw)


def test_a_message_too_large_for_an_envelope_is_refused_when_sealing():
    with pytest.raises(ValueError, match="blob"):
        seal(MessageType.ACK, HEADING, ReportAck("e", 1, tuple(range(100_000))), [KEY])
