"""Writes the golden examples: `python -m protocol.examples.make`.

Keys and times are fixed, so the files change only when the wire format does; a test compares.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from protocol.claims import proof
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import (
    Airing,
    Answer,
    AreaState,
    Beacon,
    Beat,
    Board,
    Certificate,
    Claim,
    ClockReading,
    Command,
    ControllerState,
    DayPage,
    HeldSchedule,
    NodeConfig,
    Part,
    Presence,
    Report,
    ReportAck,
    ReportBatch,
    ScheduleHead,
    Status,
    Trust,
    TrustedKey,
    TrustRule,
    Want,
    Window,
)
from protocol.outcomes import AiringClass, Origin, Outcome, ReportKind
from protocol.pages import pack_page
from protocol.topics import Topics

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
CONTROLLER = SigningKey(bytes(range(32)))
DEVICE = SigningKey(bytes(range(32, 64)))
SECOND = SigningKey(bytes(range(64, 96)))
AREA = "a1f09c3b5d7e2468"
SITE = "main"
CLIP = hashlib.sha256(b"a clip").hexdigest()
CODE = "7KQ2-MXWD-9RTA"
_PEM = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"


def page() -> DayPage:
    """One day with one airing of a tune and one clip in two languages, within permitted hours."""
    parts = (
        Part(sha256=hashlib.sha256(b"a tune").hexdigest(), bytes=12_000, duration_ms=3_000),
        Part(CLIP, 240_000, 60_000, item=1, language="vi", times=2, gap_ms=5_000, clip_id="c1"),
        Part(hashlib.sha256(b"tay").hexdigest(), 250_000, 62_000, item=1, language="tyz"),
    )
    airing = Airing(
        airing_id="0f" * 16,
        starts_at=NOW + timedelta(hours=5),
        title="Cài đặt VNeID",
        parts=parts,
    )
    window = Window(NOW + timedelta(hours=4), NOW + timedelta(hours=6), 80)
    return DayPage(AREA, "2026-11-22", (airing,), (window,))


def messages() -> Iterator[tuple[str, MessageType, str, Any]]:
    """(topic, type, audience, message) of every kind of envelope there is."""
    topics, device = Topics(SITE), DEVICE.verify_key.device_id
    ref, _ = pack_page(page())
    to_area, to_device, to_site = f"area:{AREA}", f"device:{device}", "site"
    until = NOW + timedelta(days=30)
    yield (
        topics.controller_state(),
        MessageType.CONTROLLER_STATE,
        to_site,
        ControllerState(True, "9d2f6a01", "0.1.0"),
    )
    yield (
        topics.trust(),
        MessageType.TRUST,
        to_site,
        Trust(
            2,
            (
                TrustedKey(CONTROLLER.verify_key.hex),
                TrustedKey(SECOND.verify_key.hex, "second"),
            ),
            (TrustRule("play", (to_area,), ("controller", "second"), 2),),
        ),
    )
    yield topics.schedule(AREA), MessageType.SCHEDULE, to_area, ScheduleHead(AREA, 7, until, (ref,))
    yield (
        topics.area_state(AREA),
        MessageType.AREA_STATE,
        to_area,
        AreaState(AREA, 3, muted_until=NOW + timedelta(hours=1)),
    )
    emergency = Airing(
        airing_id="e5" * 16,
        starts_at=NOW + timedelta(milliseconds=800),
        class_=AiringClass.EMERGENCY,
        origin=Origin.EMERGENCY,
        title="Lũ khẩn cấp",
        parts=(Part(CLIP, 240_000, 60_000, item=1, language="vi"),),
    )
    yield (
        topics.area_command(AREA),
        MessageType.COMMAND,
        to_area,
        Command("3b9d", "play", {}, emergency),
    )
    yield (
        topics.to_device(device, "config"),
        MessageType.CONFIG,
        to_device,
        NodeConfig("5e884898da280471", "thon-ha", "Thôn Hạ", ("b7", AREA), ("vi", "tyz"), 80),
    )
    yield (
        topics.to_device(device, "ack"),
        MessageType.ACK,
        to_device,
        ReportAck("c0ffee00c0ffee00", 41, (43,)),
    )
    yield (
        topics.to_device(device, "certificate"),
        MessageType.CERTIFICATE,
        to_device,
        Certificate(_PEM, NOW + timedelta(days=730)),
    )
    yield topics.to_device(device, "beacon"), MessageType.BEACON, to_device, Beacon("n0nce", NOW)
    yield from _from_device(topics, device)


def _from_device(topics: Topics, device: str) -> Iterator[tuple[str, MessageType, str, Any]]:
    clock = ClockReading(True, "ntp", 3)
    report = Report(
        seq=42,
        kind=ReportKind.FINISHED,
        airing_id="0f" * 16,
        planned_at=NOW + timedelta(hours=5),
        at=NOW + timedelta(hours=5, seconds=134),
        clock=clock,
        outcome=Outcome.PLAYED,
        started_at=NOW + timedelta(hours=5),
        ended_at=NOW + timedelta(hours=5, seconds=133),
        start_error_ms=0.04,
        played_ms=133_000,
        length_ms=133_000,
    )
    yield (
        topics.from_device(device, "presence"),
        MessageType.PRESENCE,
        "site",
        Presence(True, "b007", 12, "n0nce", "0.1.0", (1,), "c0ffee00c0ffee00"),
    )
    yield (
        topics.from_device(device, "status"),
        MessageType.STATUS,
        "site",
        Status(
            at=NOW,
            uptime_s=3600,
            clock=clock,
            schedules=(HeldSchedule(AREA, 7),),
            holds=(CLIP,),
            board=Board(temperature_c=48.3, boot_reason="power", link="wlan0", signal_dbm=-56),
        ),
    )
    yield topics.from_device(device, "beat"), MessageType.BEAT, "site", Beat(3660, 3)
    yield (
        topics.from_device(device, "report"),
        MessageType.REPORTS,
        "site",
        ReportBatch("c0ffee00c0ffee00", (report,)),
    )
    yield topics.from_device(device, "want"), MessageType.WANT, "site", Want(CLIP, 240_000, "/x8=")
    yield (
        topics.from_device(device, "answer"),
        MessageType.ANSWER,
        "site",
        Answer("3b9d", "play", True),
    )
    yield (
        topics.claim(device),
        MessageType.CLAIM,
        "site",
        Claim(
            DEVICE.verify_key.hex, proof(CODE, DEVICE.verify_key), "Raspberry Pi Zero 2 W", "0.1.0"
        ),
    )


def examples() -> Iterator[tuple[str, bytes]]:
    """(file name, content): an envelope each, an index of topics, and the packed day page."""
    index: dict[str, Any] = {
        "controller_public_key": CONTROLLER.verify_key.hex,
        "device_public_key": DEVICE.verify_key.hex,
        "claim_code": CODE,
        "envelopes": {},
    }
    device = DEVICE.verify_key.device_id
    for seq, (topic, type_, to, message) in enumerate(messages(), start=100):
        own = to == "site" and type_ is not MessageType.CONTROLLER_STATE
        heading = Heading(
            SITE, to, device if own else "controller", seq, NOW, NOW + timedelta(days=31)
        )
        yield f"{type_}.envelope", seal(type_, heading, message, [DEVICE if own else CONTROLLER])
        index["envelopes"][f"{type_}.envelope"] = topic
    _, blob = pack_page(page())
    yield "day-page.zlib", blob
    yield "index.json", json.dumps(index, indent=2, sort_keys=True).encode() + b"\n"


def main() -> None:
    for name, content in examples():
        (HERE / name).write_bytes(content)


if __name__ == "__main__":
    main()
