"""The fence around the broker: which device may read and write which topics, and who is shut out.

The service writes two files, `access` (mosquitto's access list, a stanza a device) and
`revoked.crl`, into a folder of its own. Whoever runs the broker brings them to it and has it read
them anew: a systemd path unit on a server, the supervisor beside an embedded one. The service
itself needs no right over the broker for that. It learns that the broker follows by a trial: every
list permits the controller one topic named after the list's own hash, and a message sent there
comes back only when that list is in force.

Neither list ends a connection that stands. So once they are in force, whoever was shut out is put
out by name, through the broker's own plugin for that (`$CONTROL`, mosquitto's dynamic security,
which knows no users here): a stolen device that stays connected would be told nothing, but it
would stay. Where the broker has no such plugin nobody listens there.
"""

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from controller import database
from controller.files import write_durably
from controller.fleet import nodes
from controller.keys import certificates
from controller.keys.certificates import Authority
from controller.models import Device, DeviceBinding, DeviceCertificate, NodeMembership
from controller.mqtt.errors import LinkDown
from controller.territory import areas
from protocol.keys import VerifyKey
from protocol.messages import Certificate

_log = logging.getLogger(__name__)

CONTROLLER, JOINING = "controller", "join"
TRIAL = "loa/access"
DOOR = "$CONTROL/dynamic-security/v1"
# A user the plugin forgets again at once: putting out is what it does along the way.
_PUT_OUT = ("createClient", "disableClient", "deleteClient")
_AT_ONCE = 100
_TRIAL_EVERY_S = 0.1
_TRIAL_LONGEST_S = 10.0
_NUDGE_EVERY = 20


@dataclass(frozen=True, slots=True)
class Admitted:
    """A device the broker lets in, and the areas whose topics it may read."""

    device_id: str
    area_ids: tuple[str, ...] = ()


class Fence:
    """`update` after every change, before anything is said that rests on it."""

    def __init__(
        self,
        engine: Engine,
        site: str,
        folder: Path,
        authority: Authority,
        send: Callable[[str, bytes], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._site = site
        self._folder = folder
        self._authority = authority
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = threading.Event()
        self._awaited = ""
        self._in_force = ""
        self._put_out: set[str] = set()
        self.behind = False  # the broker does not follow yet; `update` must be tried again

    @property
    def topics(self) -> list[str]:
        """What the link must subscribe to."""
        return [f"{TRIAL}/{self._site}/+"]

    def heard(self, topic: str) -> bool:
        """A message came in; True when it was one of our trials."""
        if not topic.startswith(TRIAL + "/"):
            return False
        if topic == self._awaited:
            self._heard.set()
        return True

    def certify(self) -> int:
        """Give every device in service a certificate with life left in it; how many were made."""
        now = self._clock()
        with database.transaction(self._engine) as session:
            due = _due(session, now)
            for device in due:
                made = self._authority.issue(VerifyKey.from_hex(device.public_key), now)
                session.add(
                    DeviceCertificate(
                        serial=made.serial,
                        device_id=device.id,
                        pem=made.pem,
                        issued_at=now,
                        expires_at=made.expires_at,
                    )
                )
        return len(due)

    def update(self) -> bool:
        """Write the lists if they changed and wait until the broker has them; whether it does."""
        with self._lock:
            now = self._clock()
            with database.reading(self._engine) as session:
                text = access_list(self._site, admitted(session, now))
                serials = [*self._authority.retired, *revoked(session, now)]
                unwanted = shut_out(session, now)
            revocations = ("\n".join(serials) + "\n").encode()
            named = f"{TRIAL}/{self._site}/{_hash(text.encode() + revocations)}"
            if named == self._in_force:
                return True
            self._write(text + _trial_stanza(named), serials, now)
            self.behind = not self._tried(named, text + _trial_stanza(named))
            if self.behind:
                _log.warning("the broker has not taken over the new access list yet")
                return False
            self._in_force = named
            # Only now: put out before the list is in force, they would come straight back.
            joiners = [JOINING] if self._authority.retired else []
            self._end_connections({*unwanted, *joiners})
            return True

    def doubt(self) -> None:
        """A new connection may be to another broker: what was in force must be seen again."""
        self._in_force = ""
        self._put_out.clear()

    def _end_connections(self, users: set[str]) -> None:
        news = sorted(users - self._put_out)
        for start in range(0, len(news), _AT_ONCE):
            some = news[start : start + _AT_ONCE]
            orders = [{"command": verb, "username": user} for user in some for verb in _PUT_OUT]
            try:
                self._send(DOOR, json.dumps({"commands": orders}).encode())
            except LinkDown:
                return  # the next connection begins with this
            self._put_out.update(some)

    def _write(self, text: str, serials: Sequence[str], now: datetime) -> None:
        # The list of the shut out goes first: whoever brings the files over is woken by the other.
        revocations = self._folder / "revoked.crl"
        known = self._folder / "revoked.txt"
        numbers = "".join(f"{serial}\n" for serial in serials).encode()
        if not revocations.exists() or not known.exists() or known.read_bytes() != numbers:
            write_durably(revocations, self._authority.revocations(serials, now))
            write_durably(known, numbers)
        access = self._folder / "access"
        if not access.exists() or access.read_text(encoding="utf-8") != text:
            write_durably(access, text.encode())

    def _tried(self, topic: str, text: str) -> bool:
        self._awaited = topic
        self._heard.clear()
        for turn in range(1, int(_TRIAL_LONGEST_S / _TRIAL_EVERY_S)):
            if turn % _NUDGE_EVERY == 0:
                # systemd may miss a change made while it was still busy with the one before.
                write_durably(self._folder / "access", text.encode())
            try:
                self._send(topic, b"?")
            except LinkDown:
                return False  # the next connection tries again
            if self._heard.wait(_TRIAL_EVERY_S):
                return True
        return False


def access_list(site: str, devices: Iterable[Admitted]) -> str:
    """mosquitto's access list. No patterns: who is not named here may do nothing at all."""
    lines = [
        "# Written by Loa Lang's service; changes here are overwritten.",
        f"user {JOINING}",
        f"topic write loa/v1/{site}/claim/+/up/claim",
        f"topic read loa/v1/{site}/claim/+/dn/certificate",
    ]
    for device in devices:
        own = f"loa/v1/{site}/device/{device.device_id}"
        lines += ["", f"user {device.device_id}"]
        lines += [f"topic read {own}/#", f"topic write {own}/up/+"]
        lines += [f"topic read loa/v1/{site}/ctl/main/dn/+"]
        lines += [f"topic read loa/v1/{site}/area/{area_id}/dn/+" for area_id in device.area_ids]
        lines += [f"topic read loa/v1/{site}/blob/+/c/+"]
    return "\n".join(lines) + "\n"


def admitted(session: Session, now: datetime) -> list[Admitted]:
    """Every device that is not shut out; those that serve no node reach their own topics only."""
    serves = (
        select(DeviceBinding.device_id, NodeMembership.area_id)
        .join(NodeMembership, NodeMembership.node_id == DeviceBinding.node_id)
        .where(DeviceBinding.until_at.is_(None), nodes.at_time(now))
    )
    area_of = {row.device_id: row.area_id for row in session.execute(serves)}
    paths = {area_id: tuple(areas.path(session, area_id)) for area_id in set(area_of.values())}
    query = select(Device.id).where(Device.shut_out_at.is_(None)).order_by(Device.id)
    return [
        Admitted(device_id, paths.get(area_of.get(device_id, ""), ()))
        for device_id in session.scalars(query)
    ]


def revoked(session: Session, now: datetime) -> list[str]:
    """The serial numbers of certificates whose devices are shut out and that have not run out."""
    query = (
        select(DeviceCertificate.serial)
        .join(Device, Device.id == DeviceCertificate.device_id)
        .where(Device.shut_out_at.is_not(None), DeviceCertificate.expires_at > now)
    )
    return list(session.scalars(query.order_by(DeviceCertificate.serial)))


def shut_out(session: Session, now: datetime) -> list[str]:
    """The devices shut out whose certificates have not run out."""
    query = (
        select(DeviceCertificate.device_id)
        .join(Device, Device.id == DeviceCertificate.device_id)
        .where(Device.shut_out_at.is_not(None), DeviceCertificate.expires_at > now)
    )
    return list(session.scalars(query.distinct()))


def newest(session: Session, device_id: str) -> Certificate | None:
    """The certificate a device should use."""
    row = session.scalar(
        select(DeviceCertificate)
        .where(DeviceCertificate.device_id == device_id)
        .order_by(DeviceCertificate.expires_at.desc())
        .limit(1)
    )
    return Certificate(row.pem, row.expires_at) if row else None


def _due(session: Session, now: datetime) -> list[Device]:
    good = select(DeviceCertificate.device_id).where(
        DeviceCertificate.expires_at > now + certificates.RENEWED_WHEN_LEFT
    )
    query = (
        select(Device)
        .join(DeviceBinding, DeviceBinding.device_id == Device.id)
        .where(
            DeviceBinding.until_at.is_(None), Device.shut_out_at.is_(None), Device.id.not_in(good)
        )
    )
    return list(session.scalars(query))


def _trial_stanza(topic: str) -> str:
    return (
        f"\nuser {CONTROLLER}\ntopic readwrite loa/v1/#\ntopic readwrite {topic}\n"
        f"topic write {DOOR}\n"
    )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
