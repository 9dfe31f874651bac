"""USB sticks: for nodes with no link at all, the same signed documents out and reports in.

`export` copies what stands on the broker for some nodes onto a stick; `take_in` reads what nodes
left there, through the same checks and the same idempotent ingest as by MQTT, and leaves the
acknowledgements on the stick, so that it can go straight back.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import commands, sequence
from controller.accounts import audit
from controller.accounts.access import Action, Actor
from controller.commands import CommandKind
from controller.emergency import node_orders
from controller.fleet import enrolment, nodes
from controller.models import Device, Document, NodeReport
from controller.mqtt import presence, reports
from controller.mqtt.opening import TYPES, opened
from controller.outcomes import receipts
from controller.territory.places import Tree
from protocol.codec import from_json, to_json
from protocol.envelope import Heading, MessageType, read_envelope, seal
from protocol.errors import Malformed, ProtocolError, RefusalReason, Refused
from protocol.keys import SigningKey, VerifyKey
from protocol.messages import (
    Airing,
    Answer,
    AreaState,
    Claim,
    ReportAck,
    ReportBatch,
    ScheduleHead,
    Status,
)
from protocol.pack import Pack, Said
from protocol.pages import unpack_page
from protocol.topics import Topic, Topics, parse

_log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=45)  # as long as a retained document
_ACKED_AT_ONCE = 5000
_BLOCK = 1 << 20
_BATCHES_AT_ONCE = 20

Find = Callable[[str], BinaryIO | None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What is on the stick now. `missing`: sounds that are named and not held here."""

    documents: int
    blobs: int
    bytes: int
    missing: int


@dataclass(slots=True)
class TakenIn:
    """What a stick brought. `refused`: reason → how often."""

    devices: set[str] = field(default_factory=set)
    reports: int = 0
    logs: int = 0
    bound: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


# --- out ---------------------------------------------------------------------------------------


def export(
    session: Session,
    actor: Actor,
    pack: Pack,
    node_ids: Sequence[str],
    find: Find,
    *,
    site: str,
    now: datetime,
    days: int = 30,
) -> Exported:
    """Bring a stick up to date for these nodes. Raises OSError when it is full or gone."""
    rows = list(_documents(session, actor, node_ids, site, now))
    kept = {pack.say_down(row.topic, row.envelope).name for row in rows}
    pack.keep_down(kept | _acks_there(pack, site))
    wanted = _blobs(rows, find, now + timedelta(days=days))
    there = pack.blobs()
    missing = 0
    for sha256 in there.keys() - wanted.keys():
        pack.drop_blob(sha256)
    for sha256, size in wanted.items():
        if there.get(sha256) != size and not _put(pack, sha256, find):
            missing += 1
    for node_id in node_ids:
        area_id = nodes.area_of(session, node_id, now)
        audit.record(session, actor, "stick.export", "node", node_id, area_id, now)
    return Exported(len(rows), len(wanted) - missing, sum(wanted.values()), missing)


def _documents(
    session: Session, actor: Actor, node_ids: Sequence[str], site: str, now: datetime
) -> Iterable[Document]:
    """Configs of the nodes' devices, heads and states of the areas above them, what all hear."""
    tree, topics = Tree.load(session), Topics(site)
    wanted = {topics.controller_state().rpartition("/")[0]}
    devices = nodes.devices_of(session, node_ids, now)
    for node_id in node_ids:
        nodes.get(session, actor, node_id, Action.OPERATE)
        if node_id in devices:
            wanted.add(topics.to_device(devices[node_id].id, "config"))
        area_id = nodes.area_of(session, node_id, now)
        for each in tree.path(area_id) if area_id else ():
            wanted |= {topics.schedule(each), topics.area_state(each)}
    for row in session.scalars(select(Document).order_by(Document.topic)):
        said_to_all = row.topic.startswith(f"{topics.controller_state().rpartition('/')[0]}/")
        if row.topic in wanted or said_to_all:
            yield row


def _acks_there(pack: Pack, site: str) -> set[str]:
    """Acknowledgements not yet carried to their nodes stay on the stick."""
    said = (topic for topic, _ in pack.said_down())
    acks = {t for t in said if (p := parse(t)) and p.site == site and p.channel == "ack"}
    return {pack.name_of(topic) for topic in acks}


def _blobs(rows: Iterable[Document], find: Find, until: datetime) -> dict[str, int]:
    """sha256 → bytes: pages first, then the sounds their airings name."""
    pages: dict[str, int] = {}
    sounds: dict[str, int] = {}
    for row in rows:
        envelope = read_envelope(row.envelope)
        if envelope.type is MessageType.AREA_STATE:
            state = from_json(AreaState, json.loads(envelope.body))
            sounds |= _sounds(state.airings)
        elif envelope.type is MessageType.SCHEDULE:
            head = from_json(ScheduleHead, json.loads(envelope.body))
            for ref in head.pages:
                pages[ref.sha256] = ref.bytes
                if ref.day <= until.date().isoformat():
                    sounds |= _sounds(_airings(ref.sha256, find))
    return pages | sounds


def _airings(sha256: str, find: Find) -> Iterable[Airing]:
    file = find(sha256)
    if file is None:
        return ()
    with file:
        return unpack_page(file.read()).airings


def _sounds(airings: Iterable[Airing]) -> dict[str, int]:
    found: dict[str, int] = {}
    for airing in airings:
        for part in airing.parts:
            found[part.sha256] = part.bytes
            if part.fallback_sha256:
                found[part.fallback_sha256] = part.fallback_bytes
    return found


def _put(pack: Pack, sha256: str, find: Find) -> bool:
    file = find(sha256)
    if file is None:
        return False
    with file:
        pack.put_blob(sha256, iter(lambda: file.read(_BLOCK), b""))
    return True


# --- in ----------------------------------------------------------------------------------------


class Words(Protocol):
    """Where nodes' words are read from: a stick, or files that came from one."""

    def speakers(self) -> list[str]: ...

    def said_up(self) -> Iterator[Said]: ...


def _unnoted(topic: str, envelope: bytes, reason: str) -> None:
    pass


def take_in(
    session: Session,
    actor: Actor,
    pack: Words,
    *,
    site: str,
    now: datetime,
    refused: Callable[[str, bytes, str], None] = _unnoted,
) -> TakenIn:
    """Take what nodes left. The caller commits, and only then calls `acknowledge`.

    `refused` is told topic, envelope and reason of what could not be believed.
    """
    taken = TakenIn()
    waiting: list[reports.Told] = []
    keys = reports.known_keys(session, pack.speakers())
    for topic_text, raw in pack.said_up():
        topic = parse(topic_text)
        if topic is None or topic.channel not in TYPES:
            continue
        try:
            waiting += _one(session, actor, topic, raw, keys, taken, site, now)
        except ProtocolError as error:
            reason = error.reason.value if isinstance(error, Refused) else "malformed"
            _log.warning("refused a %s of %s on a stick: %s", topic.channel, topic.id, error)
            taken.refused[reason] += 1
            refused(topic_text, raw, reason)
        if len(waiting) >= _BATCHES_AT_ONCE:
            reports.commit(session, waiting, now, {})
            waiting.clear()
    if waiting:
        reports.commit(session, waiting, now, {})
    for device_id in taken.devices:
        node_id = presence.node_of(session, device_id)
        area_id = nodes.area_of(session, node_id, now) if node_id else None
        audit.record(session, actor, "stick.import", "node", node_id or device_id, area_id, now)
        presence.note_node(session, device_id, now)
    return taken


def _one(
    session: Session,
    actor: Actor,
    topic: Topic,
    raw: bytes,
    keys: Mapping[str, VerifyKey],
    taken: TakenIn,
    site: str,
    now: datetime,
) -> list[reports.Told]:
    """Take one message; a batch of reports is handed back, to be committed with others."""
    if topic.channel == "claim":
        _claimed(session, actor, topic, raw, taken, site, now)
        return []
    key = keys.get(topic.id)
    if key is None:
        raise Refused(RefusalReason.UNKNOWN_KEY, "a device nobody enrolled, or shut out")
    heading, body, texts = opened(site, topic, raw, key)
    taken.devices.add(topic.id)
    if topic.channel == "report":
        told = reports.told(topic.id, from_json(ReportBatch, {**body}), texts)
        taken.reports += len(told.batch.reports)
        return [told]
    if topic.channel == "status":
        said = from_json(Status, {**body})
        _status(session, session.get_one(Device, topic.id), heading, said, now)
    elif topic.channel == "answer":
        answer = from_json(Answer, {**body})
        taken.logs += node_orders.brought(session, topic.id, heading, answer)
    return []


def _status(
    session: Session, device: Device, heading: Heading, status: Status, now: datetime
) -> None:
    """How the node was when the stick was there; it is no nearer to the broker for that."""
    if heading.seq <= device.status_seq:
        return
    device.status_seq = heading.seq
    node_id = presence.node_of(session, device.id)
    if node_id:
        receipts.note_status(session, node_id, device.status, status, now)
    device.status = to_json(status)
    device.last_seen_at = max(filter(None, [device.last_seen_at, heading.issued_at]))


def _claimed(
    session: Session,
    actor: Actor,
    topic: Topic,
    raw: bytes,
    taken: TakenIn,
    site: str,
    now: datetime,
) -> None:
    try:
        shown = VerifyKey.from_hex(json.loads(read_envelope(raw).body)["public_key"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(f"no public key in a claim: {error}") from error
    _, body, _ = opened(site, topic, raw, shown)
    bound = enrolment.claim(session, shown, from_json(Claim, {**body}), now)
    if bound is None:
        taken.refused["claim"] += 1
        return
    taken.bound.append(bound.node_id)
    commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": bound.node_id}, actor, now)


def acknowledge(
    session: Session, pack: Pack, devices: Iterable[str], key: SigningKey, site: str, now: datetime
) -> int:
    """Leave on the stick what of each device's newest store is committed; how many devices."""
    done = 0
    for device_id in sorted(devices):
        ack = ack_of(session, device_id)
        if ack is None:
            continue
        to = f"device:{device_id}"
        seq = sequence.next_seq(session)
        heading = Heading(site, to, "controller", seq, now, now + KEPT_FOR)
        topic = Topics(site).to_device(device_id, "ack")
        pack.say_down(topic, seal(MessageType.ACK, heading, ack, [key]))
        done += 1
    return done


def devices_of(session: Session, node_ids: Sequence[str], now: datetime) -> set[str]:
    """The devices that serve these nodes."""
    return {device.id for device in nodes.devices_of(session, node_ids, now).values()}


def ack_of(session: Session, device_id: str) -> ReportAck | None:
    """What of the device's newest store is committed; None when nothing ever came."""
    newest = (
        select(NodeReport.store_epoch)
        .where(NodeReport.device_id == device_id)
        .order_by(NodeReport.received_at.desc(), NodeReport.seq.desc())
        .limit(1)
    )
    epoch = session.scalar(newest)
    if epoch is None:
        return None
    upto = reports.unbroken(session, device_id, epoch)
    above = (
        select(NodeReport.seq)
        .where(
            NodeReport.device_id == device_id,
            NodeReport.store_epoch == epoch,
            NodeReport.seq > upto,
        )
        .order_by(NodeReport.seq)
        .limit(_ACKED_AT_ONCE)
    )
    return ReportAck(epoch, upto, tuple(session.scalars(above)))


def chosen(session: Session, actor: Actor, now: datetime, area_id: str | None) -> Iterator[str]:
    """The ids of the nodes of an area (None: all the actor may see) that a stick may be for."""
    cursor: str | None = None
    while True:
        page = nodes.page(session, actor, now=now, area_id=area_id, limit=500, cursor=cursor)
        yield from (view.node.id for view in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return
