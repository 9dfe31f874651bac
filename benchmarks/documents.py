"""A month of schedule on a node: verify the head's signature, check, unpack and parse every page.

    python -m benchmarks.documents [--per-day N]

Prints what an area's 30 days weigh and how long the node needs for them, and beside it what one
changed airing costs when whole pages travel (as they do) and if bare differences did.
"""

import argparse
import hashlib
import json
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from protocol import envelope
from protocol.codec import from_json, to_json
from protocol.envelope import Heading, MessageType
from protocol.keys import SigningKey
from protocol.messages import Airing, DayPage, Part, ScheduleHead
from protocol.pages import pack_page, unpack_page

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAYS = 30
RUNS = 15


def page(day: int, per_day: int) -> DayPage:
    """A day with `per_day` airings of three parts each."""
    began = NOW + timedelta(days=day)
    airings = []
    for number in range(per_day):
        seed = f"{day}/{number}".encode()
        parts = tuple(
            Part(
                sha256=hashlib.sha256(b"part %d" % (part + number % 7)).hexdigest(),
                bytes=240_000,
                duration_ms=60_000,
                item=part,
                language="vi",
                clip_id=f"{part:016x}",
            )
            for part in range(3)
        )
        airings.append(
            Airing(
                airing_id=hashlib.sha256(seed).hexdigest()[:32],
                starts_at=began + timedelta(minutes=5 * number),
                title="Hướng dẫn cài đặt VNeID",
                parts=parts,
            )
        )
    return DayPage("area", began.date().isoformat(), tuple(airings))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-day", type=int, default=8)
    asked = parser.parse_args()
    key = SigningKey.generate()
    keys = {key.verify_key.kid: key.verify_key}
    pages = [page(day, asked.per_day) for day in range(DAYS)]
    packed = [pack_page(each) for each in pages]
    head = ScheduleHead("area", 1, NOW + timedelta(days=DAYS), tuple(ref for ref, _ in packed))
    heading = Heading("main", "area:area", "controller", 1, NOW, NOW + timedelta(days=45))
    raw = envelope.seal(MessageType.SCHEDULE, heading, head, [key])

    def read() -> int:
        body = envelope.verify(raw, MessageType.SCHEDULE, keys)
        said = from_json(ScheduleHead, body)
        for ref, (_, blob) in zip(said.pages, packed, strict=True):
            assert hashlib.sha256(blob).hexdigest() == ref.sha256
            unpack_page(blob)
        return len(said.pages)

    took_ms = []
    for _ in range(RUNS):
        began = time.perf_counter()
        assert read() == DAYS
        took_ms.append((time.perf_counter() - began) * 1000)
    whole = sum(len(blob) for _, blob in packed)
    airings = DAYS * asked.per_day
    print(f"30 days, {airings} airings: head {len(raw)} bytes, pages {whole} bytes")
    middle = sorted(took_ms)[RUNS // 2]
    print(f"verify and parse all of it   best {min(took_ms):.1f} ms, middle {middle:.1f} ms")
    late = replace(pages[3].airings[0], starts_at=NOW + timedelta(days=3, minutes=1))
    changed, _ = pack_page(replace(pages[3], airings=(late, *pages[3].airings[1:])))
    alone = len(zlib.compress(json.dumps(to_json(late)).encode(), 9))
    print(
        f"one airing moved             head and one page {len(raw) + changed.bytes} bytes, "
        f"all pages {len(raw) + whole}, a bare difference {alone} + a signature"
    )


if __name__ == "__main__":
    main()
