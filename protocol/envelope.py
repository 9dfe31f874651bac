r"""The signed envelope every message travels in.

    {"v":1,"type":"schedule","sigs":[{"kid":"…","sig":"…"}]}\n<body>

The first line is the header; the body is the exact bytes that were signed, a UTF-8 JSON object.
A signature covers `loalang/v1/<type>\0<body>`: the type is a domain tag, so a message of one type
can never pass as another. Sign and verify the bytes as they travel; parse only afterwards.

Every body carries: `site`, `to` (audience: `site`, `area:<id>` or `device:<id>`), `from`
(`controller` or a device id), `seq` (grows with everything that sender says), `issued_at`,
`expires_at`.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from protocol.codec import from_json, to_json
from protocol.errors import Malformed, RefusalReason, Refused
from protocol.keys import SigningKey, VerifyKey

VERSION = 1
MAX_BYTES = 256 * 1024  # no message is larger: what is, travels as a blob
MAX_SIGNATURES = 8
_EPOCH = datetime.fromtimestamp(0, UTC)


class MessageType(StrEnum):
    """What a message is; also its domain tag."""

    SCHEDULE = "schedule"
    AREA_STATE = "area_state"
    COMMAND = "command"
    CONFIG = "config"
    ACK = "ack"
    BEACON = "beacon"
    CONTROLLER_STATE = "controller_state"
    CERTIFICATE = "certificate"
    TRUST = "trust"
    PRESENCE = "presence"
    STATUS = "status"
    BEAT = "beat"
    REPORTS = "reports"
    WANT = "want"
    ANSWER = "answer"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Heading:
    """The fields every body carries; see the module's docstring."""

    site: str = ""
    to: str = ""
    from_: str = ""
    seq: int = 0
    issued_at: datetime = field(default=_EPOCH)
    expires_at: datetime = field(default=_EPOCH)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature over the body, by the key named `kid`."""

    kid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message as it travelled, not yet verified."""

    type: MessageType
    body: bytes
    signatures: tuple[Signature, ...]


def seal(
    type_: MessageType, heading: Heading, message: Any, signers: Sequence[SigningKey]
) -> bytes:
    """The bytes to publish for `message` (a dataclass), signed by each of `signers`."""
    body = _compact({**to_json(message), **to_json(heading)})
    signed = signed_bytes(type_, body)
    signatures = [Signature(key.verify_key.kid, key.sign(signed)) for key in signers]
    sealed = _assembled(type_, signatures, body)
    if len(sealed) > MAX_BYTES:
        raise ValueError(f"a {type_} of {len(sealed)} bytes is over {MAX_BYTES}: send it as a blob")
    return sealed


def signed_bytes(type_: MessageType, body: bytes) -> bytes:
    """What a signature covers."""
    return b"loalang/v1/" + type_.value.encode() + b"\0" + body


def read_envelope(raw: bytes) -> Envelope:
    """The envelope in `raw`, nothing verified. Raises Malformed."""
    if len(raw) > MAX_BYTES:
        raise Malformed(f"{len(raw)} bytes is more than any message has")
    head, newline, body = raw.partition(b"\n")
    if not newline:
        raise Malformed("no header line")
    header = _object(head)
    # The header is not signed, so there must be one way only to write it: what a broker has
    # touched is not the message that was sent, even where it would still mean the same.
    if json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode() != head:
        raise Malformed("a header with blanks, doubled fields or escapes")
    if header.get("v") != VERSION or type(header["v"]) is not int:
        raise Malformed(f"envelope version {header.get('v')!r}, this side reads {VERSION}")
    if header.keys() != {"v", "type", "sigs"}:
        raise Malformed("a header has v, type and sigs, and nothing else")
    try:
        return Envelope(MessageType(str(header.get("type"))), body, _signatures(header.get("sigs")))
    except ValueError as error:
        raise Malformed(str(error)) from error


def verify(raw: bytes, expected: MessageType, keys: Mapping[str, VerifyKey]) -> dict[str, Any]:
    """The body of `raw` once a key of `keys` (by kid) is seen to have signed it.

    Raises Malformed or Refused (wrong_type, unknown_key, bad_signature).
    """
    return verified(raw, expected, keys)[0]


def verified(
    raw: bytes, expected: MessageType, keys: Mapping[str, VerifyKey]
) -> tuple[dict[str, Any], frozenset[str]]:
    """The body, and which of `keys` signed it: one at least, and none of them wrongly.

    A signature by a key that is not known here is passed over: during a rotation there are some.
    """
    body, kids = checked(raw, expected, keys)
    return _object(body), kids


def checked(
    raw: bytes, expected: MessageType, keys: Mapping[str, VerifyKey]
) -> tuple[bytes, frozenset[str]]:
    """Like `verified`, with the body as the bytes that were signed."""
    envelope = read_envelope(raw)
    if envelope.type is not expected:
        raise Refused(RefusalReason.WRONG_TYPE, f"{envelope.type} where {expected} belongs")
    known = [s for s in envelope.signatures if s.kid in keys]
    if not known:
        raise Refused(RefusalReason.UNKNOWN_KEY, "signed by nobody trusted here")
    signed = signed_bytes(envelope.type, envelope.body)
    if not all(keys[s.kid].verifies(s.sig, signed) for s in known):
        raise Refused(RefusalReason.BAD_SIGNATURE)
    return envelope.body, frozenset(s.kid for s in known)


def countersigned(raw: bytes, signature: Signature) -> bytes:
    """The message `raw` with one more signature."""
    envelope = read_envelope(raw)
    return _assembled(envelope.type, (*envelope.signatures, signature), envelope.body)


def heading_of(body: Mapping[str, Any]) -> Heading:
    """The heading of a verified body. Raises Malformed."""
    return from_json(Heading, {**body})


def check_heading(
    heading: Heading, *, site: str, audiences: Iterable[str], now: datetime | None, last_seq: int
) -> None:
    """Raise Refused unless the message is for us, newer than `last_seq` and in date.

    `now=None`: the clock here is not trusted, so expiry cannot be judged; the caller must have
    another proof of freshness (a nonce of its own echoed in a beacon).
    """
    if heading.site != site:
        raise Refused(RefusalReason.WRONG_SITE, heading.site)
    if heading.to not in audiences:
        raise Refused(RefusalReason.WRONG_AUDIENCE, heading.to)
    if heading.seq <= last_seq:
        raise Refused(RefusalReason.REPLAYED, f"seq {heading.seq} after {last_seq}")
    if now is not None and now >= heading.expires_at:
        raise Refused(RefusalReason.EXPIRED, heading.expires_at.isoformat())


def _assembled(type_: MessageType, signatures: Iterable[Signature], body: bytes) -> bytes:
    sigs = [{"kid": s.kid, "sig": base64.b64encode(s.sig).decode()} for s in signatures]
    return _compact({"v": VERSION, "type": type_.value, "sigs": sigs}) + b"\n" + body


def _signatures(value: Any) -> tuple[Signature, ...]:
    if not isinstance(value, list) or len(value) > MAX_SIGNATURES:
        raise Malformed(f"sigs must be a list of at most {MAX_SIGNATURES}")
    found = tuple(_signature(item) for item in value)
    if len({signature.kid for signature in found}) < len(found):
        raise Malformed("two signatures by one key")
    return found


def _signature(item: Any) -> Signature:
    if not isinstance(item, dict) or item.keys() != {"kid", "sig"}:
        raise Malformed("a signature has kid and sig, and nothing else")
    if not isinstance(item["kid"], str) or not isinstance(item["sig"], str):
        raise Malformed("kid and sig are texts")
    text = item["sig"]
    try:
        sig = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("a signature is not base64") from error
    if base64.b64encode(sig).decode() != text:
        raise Malformed("a signature with stray bits in its base64")
    return Signature(item["kid"], sig)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
