"""One node: its parts put together, its messages handed on. No globals; many fit in one process.

link → gate (trust) → config · schedules · area state · commands · acknowledgements · beacons
schedules + area state → planner → player, amplifier → outbox → sender → link
schedules → fetcher → blobs → clips → planner
"""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from device.airing import Placed, Stamp
from device.blobs import BlobStore
from device.board import BoardReader, kernel_boot_id
from device.care import Care
from device.channel import Message
from device.claiming import Claiming
from device.clip_cache import AssumedClips, DecodedClips
from device.clock import Clock
from device.documents import Documents
from device.fetcher import Fetcher
from device.identity import Counters, load_key
from device.inbox import Inbox
from device.link import Link
from device.loop import Loop, Timer
from device.mending import Mending
from device.orders import Desk
from device.outbox import Outbox
from device.passport import Passport
from device.planner import Planner
from device.room import Ballast
from device.schedule_store import ScheduleStore
from device.settings import Settings
from device.sound import Children, SilentPlayer, SoundPort
from device.stage import Amplifier, Stage
from device.teller import Teller, open_ledger
from device.trust import Gate
from device.voice import Voice
from device.windows import later_wait_s
from device.zones import choose_zones
from protocol.claims import device_code
from protocol.messages import EPOCH
from protocol.outcomes import Reason
from protocol.programme import blobs_of
from protocol.topics import Topics

log = logging.getLogger(__name__)

_SAVE_TIME_S = 3600.0
_PLAN_EVERY_S = 600.0
_JUMP_S = 60.0
_ASK_TIME_S = 60.0


@dataclass(frozen=True, slots=True)
class Equipment:
    """What differs between a node on a pole and one of hundreds in a simulation."""

    silent: bool = False
    forgetful: bool = False  # reports in memory only
    hardware: str = ""
    boot_id: str = ""
    board: BoardReader | None = None
    log_tail: Callable[[int], str] = lambda count: ""
    spare_dir: Path | None = None  # in memory; see `identity.Counters`


class Node:
    """Started and stopped by `agent`; everything else happens in the loop's callbacks."""

    def __init__(
        self,
        loop: Loop,
        settings: Settings,
        *,
        equipment: Equipment | None = None,
        clock: Clock | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.equipment = equipment or Equipment(boot_id=kernel_boot_id())
        self.jitter = jitter or random.Random()
        data = settings.data_dir
        data.mkdir(parents=True, exist_ok=True)
        self.key = load_key(data)
        self.device_id = self.key.verify_key.device_id
        self.counters = Counters(data, spare_dir=self.equipment.spare_dir)
        self.clock = clock or Clock(
            always_trusted=settings.clock == "trusted",
            saved_at=self.counters.saved_at,
            saved_correction_s=self.counters.saved_correction_s,
            rtc_trust_s=settings.rtc_trust_days * 86_400.0,
        )
        self.topics = Topics(settings.site)
        self.gate = Gate(settings.site, self.device_id, settings.keys, self.counters, self.clock)
        self.ballast = Ballast(data)
        self.outbox = Outbox(None) if self.equipment.forgetful else open_ledger(data, self.ballast)
        self.blobs = BlobStore(data)
        self.clips = self._clips(data)
        self.schedules = ScheduleStore(data / "schedules", self.blobs.load)
        self.documents = Documents(data, self.gate, self.schedules, self.clock)
        self.sound: SoundPort = self._sound()
        self.stage = Stage(
            clock=self.clock,
            outbox=self.outbox,
            counters=self.counters,
            clips=self.clips,
            sound=self.sound,
            stamp=self.stamp,
            amplifier=self.amplifier,
            on_report=lambda: self._soon(self.send_reports),
            on_change=self.changed,
        )
        self.planner = Planner(self.stage, active_since=self.schedules.active_since)
        self.voice = Voice(
            settings.site,
            self.key,
            self.counters,
            self.clock,
            self.equipment.boot_id,
            lambda: self.outbox.store_epoch,
            lambda: self.link,
        )
        self.passport = Passport(data, self.key, self.gate, settings.join_file)
        self.sender = Teller(
            self.outbox, self.voice.reports, lambda: self.link.connected, self.jitter
        )
        self.inbox = Inbox(self)
        self.link = Link(
            loop,
            settings,
            self.passport.choose,
            will=self.voice.will,
            on_connected=self._connected,
            on_lost=lambda: self.fetcher.lost(),
            on_message=self.inbox.message,
            jitter=self.jitter,
        )
        self.fetcher = Fetcher(
            loop,
            self.topics,
            self.blobs,
            self.link,
            ask=self.voice.want,
            on_whole=self.blob_whole,
            jitter=self.jitter,
        )
        self.claiming = Claiming(
            loop,
            self.voice,
            settings.claim_code,
            self.equipment.hardware,
            self.jitter,
            self._may_claim,
        )
        self.desk = Desk(self)
        self.mending = Mending(self)
        self.care = Care(self)
        self.health, self.pulse = self.care.health, self.care.pulse
        self.asked_at = 0.0
        self._resend_at = 0.0
        self._pages: Timer | None = None
        self._planned_by = 0.0  # wall minus monotonic when the plan was made
        self._stopping = False
        self.on_restart: Callable[[], None] = loop.stop

    def _clips(self, data: Path) -> DecodedClips | AssumedClips:
        if self.equipment.silent:
            return AssumedClips(self.blobs)
        return DecodedClips(
            self.loop, data, self.blobs, on_change=self._clip_ready, on_damaged=self._clip_damaged
        )

    def _sound(self) -> SoundPort:
        if self.equipment.silent:
            return SilentPlayer(self.loop, self._heard)
        return Children(self.loop, self.settings, self._heard)

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Read back what is known, start the children, then play on; the link comes when it can."""
        log.info("device %s, code %s", self.device_id, device_code(self.key.verify_key))
        self.documents.restore()
        self.passport.restore()
        # A device that was never bound has no counters to lose.
        self.counters.lost &= self.documents.bound
        self.care.begin()
        self.planner.start()
        self.sound.start()
        self.replan()
        self._tick()
        self._keep_time()
        self._replan_now_and_then()
        self.link.want(self._own_topics())
        self.link.want([self.topics.to_device(self.device_id, "chunk")], qos=0)
        self.link.want(self.documents.area_topics(self.topics))
        self.link.start()
        self.care.start()

    def stop(self) -> None:
        """Silence first, then a word to the controller, then the rest."""
        self._stopping = True
        self.stage.stop_all(Reason.DEVICE_ERROR)
        self.sound.stop()
        self.stage.heard({"event": "children_lost"})
        self.fetcher.lost()
        self.send_reports()
        self.link.stop([self.voice.farewell()])
        self.care.stop()
        self.counters.save()
        self.sender.close()

    def stamp(self) -> Stamp:
        return Stamp(
            self.clock.now(),
            int(self.clock.monotonic() * 1000),
            self.equipment.boot_id,
            self.clock.reading(),
        )

    def amplifier(self, placed: Placed) -> Amplifier:
        """The airing's amplifiers; settle and tail as set here, or else as the controller says."""
        if self.equipment.silent:
            return Amplifier(False, max(self.documents.config.settle_ms, 300), 0)
        return choose_zones(self.settings, self.documents.config, placed)

    # --- periodic work ------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._stopping:
            return
        wait_s = _PLAN_EVERY_S
        try:
            self.desk.mind_the_button()
            self._mind_the_time()
            wait_s = self.planner.tick()
            self.stage.overdue()
            self.mending.tick()
        finally:
            self.loop.call_later(min(wait_s, 1.0), self._tick)
        now = self.loop.monotonic()
        if now >= self._resend_at:  # what is new rings by itself
            self._resend_at = now + 1.0
            self.sender.tick(now)

    def _mind_the_time(self) -> None:
        """A clock that was set anew: the plan is of other days."""
        if abs(self.clock.wall_minus_monotonic() - self._planned_by) > _JUMP_S:
            log.warning("the clock was set; the plan is made anew")
            self.replan()
        if self.clock.contradicted and self.loop.monotonic() - self.asked_at > _ASK_TIME_S:
            log.error("synchronised, but the controller has another time: no clock is trusted")
            self.present()  # it may have been the controller's that was wrong

    def tick_now(self) -> None:
        """Something urgent was ordered."""
        self.planner.tick()

    def note_time(self) -> None:
        """Write down a time that somebody vouched for; an RTC's own word renews no trust in it."""
        if self.clock.trusted and self.clock.reading().source in ("ntp", "beacon"):
            self.counters.leap(self.clock.wall())
            self.counters.note_time(self.clock.wall(), self.clock.correction_s)

    def _keep_time(self) -> None:
        self.loop.call_later(_SAVE_TIME_S, self._keep_time)
        self.care.note()
        knows = self.clock.trusted and not self.planner.in_doubt
        if knows:
            self.note_time()
        if knows := knows and self.care.health.uptime_s >= _SAVE_TIME_S:  # enough to forget by it
            self.outbox.forget_before(self.clock.now() - timedelta(days=60))
        self.outbox.shrink(self.clock.now() - timedelta(days=400) if knows else EPOCH)  # or many
        if self.clock.reading().source != "ntp":
            self.present()  # asks for a fresh beacon: crystals drift a second in half a day

    def _replan_now_and_then(self) -> None:
        """The plan holds some days; midnight comes without a message."""
        self.loop.call_later(_PLAN_EVERY_S, self._replan_now_and_then)
        self.replan()
        if not self.equipment.silent and not self.outbox.full:
            self.ballast.fill()

    def replan(self) -> None:
        """From documents to plan, and to what must be fetched for it."""
        now = self.clock.now()
        self._planned_by = self.clock.wall_minus_monotonic()
        self.documents.activate(now)
        self.planner.config = self.documents.config
        self.stage.follow_volume(self.documents.config.volume_pct)
        self.planner.bound_at = self.documents.bound_at
        self.planner.orders = self.documents.orders
        self.planner.set_plan(self.documents.plan(now), self.documents.hours(now))
        self.mending.make_room(self.settings.quota_mb << 20)
        self._aim({})
        for sha256 in self.documents.wanted_clips(now):
            if not self.clips.holds(sha256):
                self.clips.prepare(sha256)  # delivered, and not decoded when the power went
        self.changed()

    def want_now(self, placed: Placed) -> None:
        """Fetch the clips of a command's airing before everything else."""
        self._aim(blobs_of(placed.parts))

    def _aim(self, urgent: dict[str, int]) -> None:
        now, hours = self.clock.now(), self.documents.config.later_hours
        later = self.documents.later_clips(now) - urgent.keys()
        wanted = [*urgent.items(), *self.mending.fitting(self.documents.wanted(now))]
        self.fetcher.aim(wanted, later, later_wait_s(hours, now if self.clock.trusted else None))

    def _soon(self, work: Callable[[], None]) -> None:
        self.loop.call_later(0.0, work)

    # --- the link -----------------------------------------------------------------------------

    def _own_topics(self) -> list[str]:
        channels = ("config", "certificate", "command", "ack", "beacon")
        own = [self.topics.to_device(self.device_id, channel) for channel in channels]
        if self.settings.join_file:
            own.append(self.topics.claim_answer(self.device_id))
        return [self.topics.trust(), *own, self.topics.controller_state()]

    def _connected(self) -> None:
        self.passport.accepted()
        self.claiming.connected()
        if self.link.joining:
            return  # nothing else would be let through
        self.present()
        self.sender.connected()
        self.fetcher.connected()
        self.pulse.afresh()
        self._soon(self.send_reports)

    def present(self) -> None:
        """Say who is here, with a nonce whose echo proves that an answer is fresh."""
        self.asked_at = self.loop.monotonic()
        self.voice.presence(self.gate.new_nonce())

    def _may_claim(self) -> bool:
        return self.link.connected and (not self.documents.bound or self.link.joining)

    def send_reports(self) -> None:
        if self.link.connected:
            self.sender.tick(self.loop.monotonic())

    def changed(self) -> None:
        """Something a status tells may have changed."""
        if not self._stopping:
            self.pulse.changed()

    # --- sound and clips ----------------------------------------------------------------------

    def _heard(self, event: Message) -> None:
        self.care.take(event)
        if event.get("event") == "button":
            self.desk.button()
        self.planner.heard(event)
        if event.get("event") == "sink_lost":
            self.stage.sink_lost(str(event.get("detail")))
        self.stage.heard(event)
        self.changed()

    def blob_whole(self, sha256: str) -> None:
        """A clip or a page has come, by whatever way."""
        if sha256 in self.documents.page_hashes():
            self._pages = self._pages or self.loop.call_later(0.1, self._pages_came)
        else:
            self.clips.prepare(sha256)
            self.changed()
            if self.clips.ready(sha256):  # nothing to decode where nothing sounds
                self._soon(self.tick_now)

    def _pages_came(self) -> None:
        self._pages = None
        self.replan()

    def _clip_ready(self) -> None:
        self.changed()
        self._soon(self.tick_now)

    def _clip_damaged(self, sha256: str) -> None:
        log.error("clip %s was damaged on the disk and is fetched again", sha256[:12])
        self._soon(self.replan)
