"""What this node has been told, and what follows from it: config, schedules, area states.

Every document is kept as the signed bytes that arrived and checked again when it is read back.
From them come the plan (which airings, when), the hours (what policy permits) and the list of
blobs worth holding, most urgent first.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from device.airing import Placed
from device.clock import Clock
from device.durable import remove, write_whole
from device.planner import Orders
from device.schedule_store import ScheduleStore
from device.trust import Gate, Opened
from device.windows import Hours
from protocol.envelope import MessageType
from protocol.errors import Malformed
from protocol.messages import Airing, AreaState, NodeConfig, ScheduleHead
from protocol.outcomes import AiringClass
from protocol.programme import blobs_of
from protocol.topics import Topics, parse
from protocol.trust import guards

log = logging.getLogger(__name__)
T = TypeVar("T")

_DAYS_BACK = 1
_DAYS_AHEAD = 2
_SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Need:
    """The clips of one airing, and until when they are of use."""

    starts_at: datetime
    until: datetime
    clips: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, config: NodeConfig, airing: Airing) -> "_Need":
        until = airing.starts_at + timedelta(seconds=airing.late_s)
        return cls(airing.starts_at, until, tuple(_clips(config, [airing]).items()))


class Documents:
    """Config, schedules and area states of one node."""

    def __init__(self, data: Path, gate: Gate, schedules: ScheduleStore, clock: Clock) -> None:
        self._folder = data / "documents"
        self._gate = gate
        self._schedules = schedules
        self._clock = clock
        self._states: dict[str, AreaState] = {}
        self._left: list[str] = []
        self._cancelled: dict[str, list[Airing]] = {}  # by area
        self._page_needs: dict[str, tuple[_Need, ...]] = {}
        self.config = NodeConfig()
        self.bound_at: datetime | None = None
        self.local_mute: datetime | None = None
        self.local_stop: datetime | None = None
        self.damaged: set[str] = set()  # failed their check on the disk, and have not come again
        self.unkept: dict[str, tuple[bytes, OSError]] = {}  # in force, but refused by the disk
        self._unread: dict[str, str] = {}  # signed, and not to be read by this version, by name

    @property
    def bound(self) -> bool:
        return bool(self.config.node_id)

    @property
    def unread(self) -> dict[str, str]:
        """What was signed and cannot be read by this version: what it is → what is wrong."""
        return self._unread | self._schedules.unread

    # --- taking in ----------------------------------------------------------------------------

    def restore(self) -> None:
        """Read everything back, trusting nothing on the disk."""
        self._restore_trust()
        config = self._read_back("config", MessageType.CONFIG, NodeConfig)
        if config:
            self._use_config(config)
        for area_id in self.config.area_path:
            self._schedules.restore(area_id, partial(self._reopen_head, f"schedule/{area_id}"))
            state = self._read_back(
                f"state.{area_id}", MessageType.AREA_STATE, AreaState, f"area_state/{area_id}"
            )
            if state:
                self._states[area_id] = state
        self.bound_at = _time(self._gate.counters.extra.get("bound_at"))
        self.local_mute = _time(self._gate.counters.extra.get("mute_until"))

    def take_trust(self, raw: bytes) -> bool:
        """A trust document that arrived; True when other keys are in force now."""
        if not self._gate.take_trust(raw):
            return False
        self._gate.counters.extra["trust_anchor"] = self._gate.anchor
        self._gate.counters.save()
        self._keep("trust", raw)
        return True

    def take_config(self, raw: bytes) -> bool:
        """A config that arrived; True when it changes something."""
        me = f"device:{self._gate.device_id}"
        opened = self._gate.open(raw, MessageType.CONFIG, "config", to=me, retained=True)
        config = self._read("config", opened, NodeConfig)
        if config is None:
            return False
        self._keep("config", raw)
        changed = config != self.config
        if config.node_id != self.config.node_id:
            self.bound_at = self._clock.now()
            self._gate.counters.extra["bound_at"] = self.bound_at.isoformat()
            self._gate.counters.save()
        self._left = [a for a in self.config.area_path if a not in config.area_path]
        self._use_config(config)
        return changed

    def take_schedule(self, topic: str, raw: bytes) -> bool:
        """A schedule head that arrived on its area's topic; True when it is new. Raises OSError."""
        area_id = self._area_of(topic)
        if area_id is None:
            return False
        stream = f"schedule/{area_id}"
        opened = self._gate.open(
            raw, MessageType.SCHEDULE, stream, to=f"area:{area_id}", retained=True
        )
        head = self._read(stream, opened, ScheduleHead)
        if head is None or head.area_id != area_id:
            return False
        self.damaged.discard(stream)
        return self._schedules.take(head, raw, self._clock.now())

    def take_area_state(self, topic: str, raw: bytes) -> bool:
        """Emergencies, mutes and stops of an area; True when they are new."""
        area_id = self._area_of(topic)
        if area_id is None:
            return False
        stream = f"area_state/{area_id}"
        opened = self._gate.open(
            raw, MessageType.AREA_STATE, stream, to=f"area:{area_id}", retained=True
        )
        state = self._read(stream, opened, AreaState)
        if opened and state and opened.silent_only:
            known = self._states.get(area_id, AreaState()).airings
            state = replace(state, airings=tuple(a for a in state.airings if a in known))
        if state is None or state.area_id != area_id or state == self._states.get(area_id):
            return False
        self._keep(f"state.{area_id}", raw)
        self._remember_cancelled(area_id, state)
        self._states[area_id] = state
        return True

    def _remember_cancelled(self, area_id: str, state: AreaState) -> None:
        """What had begun elsewhere when it was cancelled, and not here, is owed an outcome."""
        former, now = self._states.get(area_id, state), self._clock.now()
        begun = [a for a in former.airings if a.starts_at <= now]
        known = [*begun, *self._cancelled.get(area_id, ())]
        self._cancelled[area_id] = [a for a in known if a.airing_id in state.cancelled]

    def activate(self, now: datetime) -> None:
        """Put schedules into force whose pages have come."""
        for area_id in self._schedules.activate(now, trusted=self._clock.trusted):
            log.info("a new schedule of area %s is in force", area_id)

    # --- what follows -------------------------------------------------------------------------

    @property
    def orders(self) -> Orders:
        """Mutes, stops and cancellations of all areas on the path, and of the node itself."""
        states = [self._states[a] for a in self.config.area_path if a in self._states]
        return Orders(
            muted_until=_latest([s.muted_until for s in states] + [self.local_mute]),
            stopped_at=_latest([s.stopped_at for s in states] + [self.local_stop]),
            cancelled=frozenset(airing_id for s in states for airing_id in s.cancelled),
        )

    def plan(self, now: datetime) -> list[Placed]:
        """The airings of the days around now, as they fall on this node."""
        if not self.bound:
            return []
        merged = {
            airing_id: (self._as_scheduled(airing, area_id), area_id)
            for airing_id, (airing, area_id) in self._schedules.airings(
                self.config.area_path, _days(now)
            ).items()
        }
        for area_id in self.config.area_path:
            merged |= {a.airing_id: (a, area_id) for a in self._cancelled.get(area_id, ())}
            if area_id in self._states:
                merged |= {a.airing_id: (a, area_id) for a in self._states[area_id].airings}
        return [
            Placed.on(self.config, airing, area_id)
            for airing, area_id in merged.values()
            if airing.airing_id
        ]

    def _as_scheduled(self, airing: Airing, area_id: str) -> Airing:
        """Where several must sign an emergency, a schedule, signed by one, cannot be any."""
        if airing.class_ is AiringClass.EMERGENCY and guards(self._gate.trusted, f"area:{area_id}"):
            return replace(airing, class_=AiringClass.PRIORITY)
        return airing

    def hours(self, now: datetime) -> Hours:
        return self._schedules.hours(self.config.area_path, _days(now))

    def wanted(self, now: datetime) -> list[tuple[str, int]]:
        """(sha256, bytes) of all that is worth holding: emergencies, pages, then by air time."""
        path = self.config.area_path
        urgent = [airing for state in self._states.values() for airing in state.airings]
        pages = {ref.sha256: ref.bytes for ref in self._schedules.wanted_pages(path, now)}
        return list({**_clips(self.config, urgent), **pages, **self.wanted_clips(now)}.items())

    def wanted_clips(self, now: datetime) -> dict[str, int]:
        """sha256 → bytes of the clips of everything that has not passed, next airing first."""
        urgent = [airing for state in self._states.values() for airing in state.airings]
        wanted = _clips(self.config, urgent)
        wanted |= self._schedules.pinned(self.config.area_path)
        coming = [need for need in self._needs() if need.until >= now]
        for need in sorted(coming, key=lambda need: need.starts_at):
            for sha256, size in need.clips:
                wanted.setdefault(sha256, size)
        return wanted

    def later_clips(self, now: datetime) -> set[str]:
        """Those of `wanted_clips` that nothing needs within a day; never what is ready-made."""
        urgent = [airing for state in self._states.values() for airing in state.airings]
        soon = {*_clips(self.config, urgent), *self._schedules.pinned(self.config.area_path)}
        for need in self._needs():
            if need.until >= now and need.starts_at < now + _SOON:
                soon.update(sha256 for sha256, _ in need.clips)
        return self.wanted_clips(now).keys() - soon

    def _needs(self) -> Iterable["_Need"]:
        """What each airing of each held page needs; a page is read and parsed once."""
        refs = list(self._schedules.all_pages(self.config.area_path))
        for ref in refs:
            if ref.sha256 not in self._page_needs:
                airings = self._schedules.airings_of(ref)
                if airings is not None:
                    self._page_needs[ref.sha256] = tuple(
                        _Need.of(self.config, airing) for airing in airings
                    )
        if len(self._page_needs) > 4 * len(refs) + 64:
            self._page_needs = {ref.sha256: self._page_needs.get(ref.sha256, ()) for ref in refs}
        for ref in refs:
            yield from self._page_needs.get(ref.sha256, ())

    def due_soon(self, now: datetime) -> set[str]:
        """Clips that are never dropped: of emergencies, ready-made ones, of the next two days."""
        urgent = [airing for state in self._states.values() for airing in state.airings]
        merged = self._schedules.airings(self.config.area_path, _days(now))
        return set(
            _clips(self.config, [*urgent, *(airing for airing, _ in merged.values())])
        ).union(self._schedules.pinned(self.config.area_path))

    def page_hashes(self) -> set[str]:
        return self._schedules.blobs()

    def held_schedules(self) -> ScheduleStore:
        return self._schedules

    # --- topics -------------------------------------------------------------------------------

    def area_topics(self, topics: Topics) -> list[str]:
        return _area_topics(topics, self.config.area_path)

    def left_topics(self, topics: Topics) -> list[str]:
        """Topics of areas the node has just been moved out of."""
        return _area_topics(topics, self._left)

    # --- the disk -----------------------------------------------------------------------------

    def _use_config(self, config: NodeConfig) -> None:
        self.config = config
        self._page_needs.clear()  # other languages, other clips
        self._gate.area_path = config.area_path
        self._schedules.keep_only(config.area_path)
        self._states = {a: s for a, s in self._states.items() if a in config.area_path}

    def _area_of(self, topic: str) -> str | None:
        parsed = parse(topic)
        if parsed is None or parsed.kind != "area" or parsed.id not in self.config.area_path:
            return None
        return parsed.id

    def _keep(self, name: str, raw: bytes) -> None:
        path = self._folder / name
        self.damaged.discard(name)
        try:
            if not path.exists() or path.read_bytes() != raw:
                write_whole(path, raw)
            self.unkept.pop(name, None)
        except OSError as error:
            log.error("document %s cannot be stored: %s", name, error)
            self.unkept[name] = raw, error

    def retry(self) -> None:
        """Store what the disk refused: it holds already, and would not after a restart."""
        for name, (raw, _) in list(self.unkept.items()):
            self._keep(name, raw)

    def _restore_trust(self) -> None:
        """The keys in force, unless our settings have been given new ones since."""
        path = self._folder / "trust"
        raw = self._stored(path)
        if raw is None:
            return
        if self._gate.counters.extra.get("trust_anchor") != self._gate.anchor:
            log.warning("the settings name other keys than before: trust begins anew with them")
            self._gate.counters.streams.clear()
            remove(path)
        elif not self._gate.restore_trust(raw):
            log.error("the trust document is damaged; the keys of the settings hold until it comes")
            self.damaged.add("trust")
            remove(path)

    def _stored(self, path: Path) -> bytes | None:
        """What is on the disk; None when nothing is, or it cannot be read now."""
        try:
            return path.read_bytes() if path.exists() else None
        except OSError as error:
            log.error("document %s cannot be read: %s", path.name, error)
            self.damaged.add(path.name)
            return None

    def _read_back(self, name: str, type_: MessageType, cls: type[T], stream: str = "") -> T | None:
        path = self._folder / name
        raw = self._stored(path)
        if raw is None:
            return None
        message = self._read(stream or name, self._gate.reopen(raw, type_, stream or name), cls)
        if message is None:
            log.error("document %s is damaged; it is fetched again", name)
            self.damaged.add(name)
            remove(path)
        return message

    def _read(self, name: str, opened: Opened | None, cls: type[T]) -> T | None:
        """What the message says; None, and a problem told, when this version cannot read it."""
        if opened is None:
            return None
        try:
            message = opened.read(cls)
        except Malformed as error:
            log.error("a signed message cannot be read: %s", error)
            self._unread[name] = str(error)
            return None
        self._unread.pop(name, None)
        return message

    def _reopen_head(self, stream: str, raw: bytes) -> ScheduleHead | None:
        opened = self._gate.reopen(raw, MessageType.SCHEDULE, "")
        head = self._read("schedule", opened, ScheduleHead)
        if opened and head:
            self._gate.at_least(f"schedule/{head.area_id}", opened.heading.seq)
        else:
            self.damaged.add(stream)
        return head


def _clips(config: NodeConfig, airings: Iterable[Airing]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for airing in airings:
        for sha256, size in blobs_of(Placed.on(config, airing, "").parts).items():
            wanted.setdefault(sha256, size)
    return wanted


def _days(now: datetime) -> list[str]:
    today = now.date()
    span = range(-_DAYS_BACK, _DAYS_AHEAD + 1)
    return [(today + timedelta(days=offset)).isoformat() for offset in span]


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) and text else None


def _area_topics(topics: Topics, areas: Iterable[str]) -> list[str]:
    return [
        topic
        for area_id in areas
        for topic in (
            topics.schedule(area_id),
            topics.area_state(area_id),
            topics.area_command(area_id),
        )
    ]
