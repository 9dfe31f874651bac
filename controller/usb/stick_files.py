"""A stick that travels as files: one ZIP to unpack onto it, and what nodes left on it as uploads.

What comes may be the stick's folder as one ZIP, or its files one by one. Nothing is unpacked to
the disk; a file that is no node's word is named with the reason, and the others count.
"""

import base64
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from controller import commands, database
from controller.accounts.access import Action, Actor, require_role
from controller.commands import CommandKind
from controller.errors import BadInput
from controller.models import ServiceCommand
from controller.usb import sticks
from controller.usb.sticks import Find, TakenIn
from protocol.envelope import MAX_BYTES
from protocol.pack import ROOT, Pack
from protocol.topics import Topics, parse

_LONGEST_TOPIC: Final = 300
_MOST_FILES: Final = 20_000
_NEWEST_COMMANDS: Final = 200
Pair = tuple[str, str]  # Vietnamese, English

# What a damaged, encrypted or exotic archive makes the library raise.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)

NOT_OURS: Final = ("không phải tệp của thiết bị phát", "not a file of a node")
TOO_LARGE: Final = ("lớn quá, tệp đã bị sửa hoặc hỏng", "too large: changed or damaged")
DAMAGED: Final = ("tệp nén hỏng: hãy nén lại", "a damaged archive: make it again")
REFUSED: Final[dict[str, Pair]] = {
    "unknown_key": ("thiết bị lạ, hoặc đã bị khoá", "an unknown device, or one shut out"),
    "claim": ("mã kích hoạt không khớp cụm loa nào", "its claim code fits no cluster"),
    "malformed": ("nội dung hỏng", "damaged content"),
    "bad_signature": ("chữ ký không đúng: tệp bị sửa hoặc hỏng", "changed or damaged on the way"),
    "expired": ("đã quá hạn", "out of date"),
}
_OTHER_REASON: Final = ("không phải cho nơi này", "not for this place")


@dataclass(slots=True)
class StickFiles:
    """Uploaded files as `sticks.take_in` reads a stick. `most_bytes`: of all content together."""

    files: Sequence[tuple[str, IO[bytes]]]
    most_bytes: int
    problems: dict[str, Pair] = field(default_factory=dict)
    _names: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def said_up(self) -> Iterator[tuple[str, bytes]]:
        """Topic and envelope of every file that could be a node's word."""
        left = self.most_bytes
        for name, raw in self._contents():
            left -= len(raw)
            line, newline, envelope = raw.partition(b"\n")
            topic = line.decode("ascii", "replace")
            if len(raw) > MAX_BYTES + _LONGEST_TOPIC or left < 0:
                self.problems[name] = TOO_LARGE
            elif not newline or (parsed := parse(topic)) is None or not parsed.id:
                self.problems[name] = NOT_OURS
            else:
                self._names[(topic, envelope[:80])] = name
                yield topic, envelope
            if left < 0:
                return

    def speakers(self) -> list[str]:
        """The devices whose words these are."""
        found = (parse(topic) for topic, _ in self.said_up())
        return sorted({topic.id for topic in found if topic is not None})

    def refused(self, topic: str, envelope: bytes, reason: str) -> None:
        """Remember by its file's name what could not be believed."""
        name = self._names.get((topic, envelope[:80]), topic)
        self.problems[name] = REFUSED.get(reason, _OTHER_REASON)

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for name, file in self.files:
            file.seek(0)
            magic = file.read(2)
            file.seek(0)
            if magic == b"PK":
                yield from self._zipped(name, file)
            else:
                yield name, file.read(MAX_BYTES + _LONGEST_TOPIC + 2)

    def _zipped(self, name: str, file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist()[:_MOST_FILES]:
                    if member.filename.endswith(".msg") and "/dn/" not in f"/{member.filename}":
                        with archive.open(member) as inner:
                            yield member.filename, inner.read(MAX_BYTES + _LONGEST_TOPIC + 2)
        except _BROKEN:
            self.problems[name] = DAMAGED


def take_in(
    engine: Engine, actor: Actor, files: StickFiles, *, site: str, now: datetime
) -> TakenIn:
    """As from a stick; the service then seals the acknowledgements for the next one."""
    require_role(actor, Action.OPERATE)
    if not files.files:
        raise BadInput({"file": ("Hãy chọn tệp lấy từ USB.", "Choose the stick's files.")})
    with database.transaction(engine) as session:
        taken = sticks.take_in(session, actor, files, site=site, now=now, refused=files.refused)
        if taken.devices:
            body = {"device_ids": sorted(taken.devices)}
            commands.ask(session, CommandKind.STICK_TAKEN, body, actor, now)
    return taken


@contextmanager
def packed(
    engine: Engine,
    actor: Actor,
    node_ids: Sequence[str],
    find: Find,
    folder: Path,
    *,
    site: str,
    now: datetime,
    days: int = 30,
) -> Iterator[Path]:
    """A ZIP of a stick for these nodes; it is gone when the block ends. Raises BadInput."""
    require_role(actor, Action.OPERATE)
    if not node_ids:
        raise BadInput({"node": ("Hãy chọn ít nhất một cụm loa.", "Choose at least one cluster.")})
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="stick-") as place:
        stick = Path(place)
        with database.transaction(engine) as session:
            sticks.export(
                session, actor, Pack(stick), node_ids, find, site=site, now=now, days=days
            )
            for topic, envelope in _acks(session, sticks.devices_of(session, node_ids, now), site):
                Pack(stick).say_down(topic, envelope)
        yield _zip(stick)


def _acks(session: Session, devices: Collection[str], site: str) -> Iterator[tuple[str, bytes]]:
    """What the service sealed last for these devices."""
    query = (
        select(ServiceCommand.result)
        .where(
            ServiceCommand.kind == CommandKind.STICK_TAKEN.value,
            ServiceCommand.done_at.is_not(None),
        )
        .order_by(ServiceCommand.id.desc())
        .limit(_NEWEST_COMMANDS)
    )
    seen: set[str] = set()
    for result in session.scalars(query):
        for device_id, text in ((result or {}).get("acks") or {}).items():
            if device_id in devices and device_id not in seen:
                seen.add(device_id)
                yield Topics(site).to_device(device_id, "ack"), base64.b64decode(text)


def _zip(stick: Path) -> Path:
    """Stored, not pressed: the sounds are compressed already."""
    path = stick / "stick.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for each in sorted((stick / ROOT).rglob("*")):
            if each.is_file():
                archive.write(each, each.relative_to(stick))
    return path
