"""From rows to what stands on the broker: schedule heads, node configs, and the blobs they need.

One desk a service. Every method may be called again at any time: what stands there already is not
said again. One lock keeps two threads from building the same document at once.
"""

import base64
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import BinaryIO

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audio_library.errors import AudioError
from audio_library.store import Store
from controller import database
from controller.fleet import nodes
from controller.fleet.enrolment import Bound
from controller.models import Document
from controller.mqtt.clip_seeder import Blob, ClipSeeder
from controller.mqtt.publisher import Publisher, Retained
from controller.publishing import documents, fence, readiness
from controller.publishing.documents import AreaDocument
from controller.publishing.fence import Fence
from controller.territory import areas
from controller.usb import sticks
from protocol import messages
from protocol.envelope import MessageType

_log = logging.getLogger(__name__)

_PAGES_KEPT = timedelta(days=2)
_ANSWER_TTL = timedelta(seconds=60)


@dataclass(slots=True)
class _News:
    """What documents name that they did not before, SHA-256 → bytes: what is to be offered."""

    near: dict[str, int] = field(default_factory=dict)
    sounds: dict[str, int] = field(default_factory=dict)
    far: dict[str, int] = field(default_factory=dict)


class Desk:
    """`pages`: where the day pages of current heads are kept as blobs; `clips`: the sound files."""

    def __init__(
        self,
        engine: Engine,
        publisher: Publisher,
        seeder: ClipSeeder,
        pages: Store,
        horizon_days: int,
        clock: Callable[[], datetime],
        *,
        fence: Fence | None = None,
    ) -> None:
        self._fence = fence
        self._engine = engine
        self._publisher = publisher
        self._seeder = seeder
        self._pages = pages
        self._horizon_days = horizon_days
        self._clock = clock
        self._lock = threading.RLock()
        self._dated: dict[str, tuple[messages.Airing, ...]] = {}
        self._refs: dict[str, tuple[messages.PageRef, ...]] = {}
        self._pinned: dict[str, tuple[messages.PinnedSound, ...]] = {}
        self._lacking: dict[str, readiness.Lacking] = {}
        self._pins: dict[str, int] = {}  # ready-made messages somebody lacks

    def refresh(self, area_ids: Iterable[str] | None = None) -> int:
        """Publish the schedules of these areas (None: all served) that have changed; how many."""
        with self._lock:
            now = self._clock()
            with database.reading(self._engine) as session:
                if area_ids is None:
                    chosen = documents.areas_to_serve(session, now)
                else:
                    chosen = documents.to_serve_among(session, list(area_ids), now)
            news = _News()
            said = sum(self._refresh_one(area_id, now, news) for area_id in chosen)
            if area_ids is None:
                self._forget_others(chosen)
                self.seed()
            else:
                self._seeder.add(_blobs({**news.near, **news.sounds}), _blobs(news.far))
            return said

    def refresh_for_node(self, node_id: str) -> int:
        """Publish what a node that came, moved or went reads: its areas may be served newly."""
        now = self._clock()
        with database.reading(self._engine) as session:
            area_id = nodes.area_of(session, node_id, now)
            path = areas.path(session, area_id) if area_id else ()
        said = self.refresh(path)
        self.seed(path)  # the documents may stand as they were: what is new is who reads them
        return said

    def configure(self, node_id: str | None = None) -> int:
        """Publish the config of a node (None: all) to the device that serves it; how many."""
        with self._lock:
            now = self._clock()
            with database.reading(self._engine) as session:
                # A node given up gets the empty config, which silences its hardware.
                served = [
                    (node, device.id) for node, device in documents.bound_nodes(session, node_id)
                ]
                wanted = [
                    self._config(
                        device_id,
                        documents.node_config(session, node, now) or messages.NodeConfig(),
                    )
                    for node, device_id in served
                ]
            # The door first: what a broker filtered away once, a node does not ask for again.
            self._admit(device_id for _, device_id in served)
            return sum(self._publisher.retain(config) for config in wanted)

    def bind(self, bound: Iterable[Bound]) -> None:
        """Devices serve nodes now: certificate and config. Their areas may need a `refresh`."""
        with self._lock:
            bound = list(bound)
            self.release(device_id for each in bound for device_id in each.released)
            self._admit(())  # all at once: the broker reads its list anew once
            for each in bound:
                self.configure(each.node_id)
                self._answer(each.device_id)

    def mend_fence(self) -> None:
        """Try again where the broker has not followed the newest list."""
        if self._fence and self._fence.behind:
            self._fence.update()

    def release(self, device_ids: Iterable[str]) -> None:
        """An empty config takes the place from hardware that still plays from its store."""
        for device_id in device_ids:
            self._publisher.retain(self._config(device_id, messages.NodeConfig()))

    def seed(self, area_ids: Collection[str] | None = None) -> None:
        """Tell the seeder which blobs nodes need: near pages, clips somebody lacks, other pages.

        With `area_ids` only the nodes there are looked at; of the others it is remembered.
        """
        with self._lock:
            now = self._clock()
            with database.reading(self._engine) as session:
                holders = readiness.holders(session, now, area_ids)
            dated = self._dated if area_ids is None else self._of(area_ids)
            self._lacking |= readiness.lacking_by_area(dated, holders, now)
            lacking = readiness.soonest_first(self._lacking.values())
            near, far = self._page_refs(now)
            pins = readiness.pinned_lacking(self._pinned, holders)
            self._pins = pins if area_ids is None else self._pins | pins
            blobs = {**near, **self._pins, **lacking, **far}
            self._seeder.plan(_blobs(blobs))

    def seal_acks(self, device_ids: Iterable[str]) -> dict[str, str]:
        """Device → what is committed of what it left on a stick, sealed for the next, in base64."""
        found = {}
        with database.transaction(self._engine) as session:
            for device_id in sorted(device_ids):
                ack = sticks.ack_of(session, device_id)
                if ack is not None:
                    to = f"device:{device_id}"
                    sealed = self._publisher.seal(
                        session, MessageType.ACK, to, ack, sticks.KEPT_FOR
                    )
                    found[device_id] = base64.b64encode(sealed).decode()
        return found

    def collect(self) -> int:
        """Remove pages no current head names, once they are old; how many."""
        with self._lock:
            with database.reading(self._engine) as session:
                kept = {
                    sha256 for blobs in session.scalars(select(Document.blobs)) for sha256 in blobs
                }
            now_s = self._clock().timestamp()
            return len(self._pages.collect(kept, _PAGES_KEPT.total_seconds(), now_s))

    # --- within ------------------------------------------------------------------------------

    def _refresh_one(self, area_id: str, now: datetime, news: _News) -> bool:
        with database.reading(self._engine) as session:
            document = self._built(session, area_id, now)
        for blob in document.pages.values():
            self._pages.put_bytes(blob)
        said = self._publisher.retain(
            Retained(
                self._publisher.topics.schedule(area_id),
                MessageType.SCHEDULE,
                f"area:{area_id}",
                document.head,
                {sha256: len(blob) for sha256, blob in document.pages.items()},
            )
        )
        self._learn(area_id, document, now, news)
        return said

    def _learn(self, area_id: str, document: AreaDocument, now: datetime, news: _News) -> None:
        """Add to `news` what the document names that the one before did not.

        No node is looked at, so that an edit costs by what it changes. Whether anybody lacks a
        new sound is seen by the next `seed`; until then it counts as lacked.
        """
        known = {ref.sha256 for ref in self._refs.get(area_id, ())}
        near, far = _by_day([p for p in document.head.pages if p.sha256 not in known], now)
        named = readiness.named_in(document.airings, now)
        before = readiness.named_in(self._dated.get(area_id, ()), now)
        fresh = {sha256: named[sha256] for sha256 in named if sha256 not in before}
        old = {sound.sha256 for sound in self._pinned.get(area_id, ())}
        pins = {p.sha256: p.bytes for p in document.head.pinned if p.sha256 not in old}
        lacking = self._lacking.get(area_id, {})
        self._lacking[area_id] = {s: lacking[s] for s in lacking if s in named} | fresh
        self._pins |= pins
        self._dated[area_id] = document.airings
        self._refs[area_id] = document.head.pages
        self._pinned[area_id] = document.head.pinned
        news.near |= near
        news.far |= far
        news.sounds |= pins | readiness.soonest_first([fresh])

    def _built(self, session: Session, area_id: str, now: datetime) -> AreaDocument:
        return documents.area_document(session, area_id, now, self._horizon_days)

    def _admit(self, device_ids: Iterable[str]) -> None:
        """Certificates for those in service, and a broker that knows them."""
        if self._fence is None:
            return
        self._fence.certify()
        self._fence.update()
        for device_id in device_ids:
            certificate = self._certificate(device_id)
            if certificate:
                topic = self._publisher.topics.to_device(device_id, "certificate")
                self._publisher.retain(
                    Retained(topic, MessageType.CERTIFICATE, f"device:{device_id}", certificate)
                )

    def _answer(self, device_id: str) -> None:
        """Say the certificate where a device hears it that has none yet."""
        certificate = self._certificate(device_id)
        if certificate is None:
            return
        with database.transaction(self._engine) as session:
            sealed = self._publisher.seal(
                session,
                MessageType.CERTIFICATE,
                f"device:{device_id}",
                certificate,
                _ANSWER_TTL,
            )
        topic = self._publisher.topics.claim_answer(device_id)
        self._publisher.send(topic, sealed, _ANSWER_TTL)

    def _certificate(self, device_id: str) -> messages.Certificate | None:
        if self._fence is None:
            return None
        with database.reading(self._engine) as session:
            return fence.newest(session, device_id)

    def _config(self, device_id: str, config: messages.NodeConfig) -> Retained:
        return Retained(
            self._publisher.topics.to_device(device_id, "config"),
            MessageType.CONFIG,
            f"device:{device_id}",
            config,
        )

    def _page_refs(self, now: datetime) -> tuple[dict[str, int], dict[str, int]]:
        return _by_day([ref for pages in self._refs.values() for ref in pages], now)

    def _of(self, area_ids: Iterable[str]) -> dict[str, tuple[messages.Airing, ...]]:
        return {each: self._dated[each] for each in area_ids if each in self._dated}

    def _forget_others(self, served: Iterable[str]) -> None:
        for known in (self._dated, self._refs, self._pinned, self._lacking):
            for area_id in known.keys() - set(served):
                del known[area_id]


class BlobSource:
    """Opens a blob, whichever store has it; what is damaged counts as not held."""

    def __init__(self, *stores: Store) -> None:
        self._stores = stores

    def __call__(self, sha256: str) -> BinaryIO | None:
        for store in self._stores:
            if store.has(sha256):
                try:
                    return store.open(sha256)
                except AudioError as error:
                    _log.error("%s is damaged in the store: %s", sha256, error)
        return None


def _by_day(
    refs: Iterable[messages.PageRef], now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Pages of yesterday to tomorrow, and the later ones, day by day."""
    ordered = sorted(refs, key=lambda ref: ref.day)
    tomorrow = _day(now + timedelta(days=1))
    near = {ref.sha256: ref.bytes for ref in ordered if ref.day <= tomorrow}
    return near, {ref.sha256: ref.bytes for ref in ordered if ref.sha256 not in near}


def _blobs(found: Mapping[str, int]) -> list[Blob]:
    return [Blob(sha256, size) for sha256, size in found.items()]


def _day(moment: datetime) -> str:
    day: date = moment.date()
    return day.isoformat()
