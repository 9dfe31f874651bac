"""Instant commands: opened, checked for freshness, carried out and answered.

A stop beats every play issued before it, on whatever stream either came. A verb this version does
not know is answered as such and nothing is done.
"""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from device.airing import Placed
from protocol.codec import format_time, parse_time
from protocol.envelope import Heading, MessageType
from protocol.errors import Malformed
from protocol.messages import Answer, Command
from protocol.outcomes import CommandVerb, Reason
from protocol.topics import parse

if TYPE_CHECKING:
    from device.node import Node

log = logging.getLogger(__name__)

_LOG_LINES = 100
_ANSWER_BYTES = 8000
_CLOCK_MOVED_S = 2.0


class Desk:
    """Carries out what a command asks of its node."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._stopped_seq = 0
        self._asked: dict[str, int] = {}  # airing → the number of the command that asked for it
        self._button_until: float | None = None  # monotonic; the button's mute, while it lasts

    def command(self, topic: str, raw: bytes, *, retained: bool) -> None:
        """A command on an area's or our own topic. A retained one is somebody's mistake."""
        parsed = parse(topic)
        if parsed is None or retained:
            return
        to = f"{parsed.kind}:{parsed.id}"
        gate = self._node.gate
        if not gate.is_fresh():
            return
        opened = gate.open(raw, MessageType.COMMAND, f"command/{to}", to=to)
        if opened is None:
            return
        command = _named(opened.body)
        try:
            command = opened.read(Command)
            problem, detail = self._obey(command, opened.heading)
        except (Malformed, ValueError) as error:
            problem, detail = "malformed", str(error)
        self._node.voice.answer(
            Answer(command.command_id, command.verb, not problem, problem, detail[:_ANSWER_BYTES])
        )
        self._node.changed()

    def _obey(self, command: Command, heading: Heading) -> tuple[str, str]:
        """(problem, detail); an empty problem is success."""
        verb = command.verb
        if verb == CommandVerb.STOP:
            return self._stop(heading, hard=command.args.get("hard") == "1")
        if verb == CommandVerb.PLAY:
            return self._play(command, heading)
        if verb == CommandVerb.MUTE:
            return self._mute(command.args.get("until", ""))
        if verb == CommandVerb.VOLUME:
            return self._volume(command.args.get("pct", ""))
        if verb == CommandVerb.RESYNC:
            self._node.fetcher.connected()
            self._node.replan()
            self._node.pulse.afresh()
            return "", ""
        if verb == CommandVerb.RESTART:
            self._node.loop.call_later(0.5, self._node.on_restart)
            return "", ""
        if verb == CommandVerb.SELF_TEST:
            problems = self._node.health.problems()
            return ("unhealthy", " ".join(problems)) if problems else ("", "")
        if verb == CommandVerb.LOG_TAIL:
            lines = int(command.args.get("lines") or _LOG_LINES)
            return "", self._node.equipment.log_tail(lines)[-_ANSWER_BYTES:]
        return "unknown_verb", f"{verb!r} is not known to this version"

    def _stop(self, heading: Heading, *, hard: bool) -> tuple[str, str]:
        self._stopped_seq = max(self._stopped_seq, heading.seq)
        documents = self._node.documents
        documents.local_stop = max(filter(None, [documents.local_stop, heading.issued_at]))
        stopped = self._node.stage.stop_all(Reason.OPERATOR, hard=hard)
        # What waits for its turn was asked for before as well, though its instant lies ahead.
        older = {airing_id for airing_id, seq in self._asked.items() if seq < heading.seq}
        stopped += self._node.planner.withdraw(older)
        self._asked = {each: seq for each, seq in self._asked.items() if each not in older}
        self._node.replan()
        return "", f"{stopped} stopped"

    def _play(self, command: Command, heading: Heading) -> tuple[str, str]:
        if command.airing is None or not command.airing.airing_id:
            return "malformed", "no airing to play"
        if heading.seq < self._stopped_seq:
            return "stopped", "a later stop was obeyed before"
        config = self._node.documents.config
        area_id = config.area_path[-1] if config.area_path else ""
        placed = Placed.on(config, command.airing, area_id, live=True)
        self._asked[placed.airing_id] = heading.seq
        self._node.planner.add_live(placed)
        self._node.want_now(placed)
        self._node.tick_now()
        return ("unknown_kind", placed.unknown_kind) if placed.unknown_kind else ("", "")

    def button(self) -> None:
        """The button on the mast: silence now, and for a while; no network is needed for it."""
        minutes = self._node.settings.button_mute_min
        log.warning("stop button pressed: muted for %s minutes", minutes)
        self._node.stage.stop_all(Reason.MUTED, hard=True)
        clock = self._node.clock
        self._button_until = clock.monotonic() + minutes * 60.0
        self._keep_mute(clock.now() + timedelta(minutes=minutes))

    def mind_the_button(self) -> None:
        """A clock that is set right neither ends what was pressed early nor makes it last."""
        if self._button_until is None:
            return
        left_s = self._button_until - self._node.clock.monotonic()
        until = self._node.clock.now() + timedelta(seconds=left_s)
        known = self._node.documents.local_mute
        if left_s <= 0:
            self._button_until = None
            self._keep_mute(None)
        elif known is None or abs((until - known).total_seconds()) > _CLOCK_MOVED_S:
            self._keep_mute(until)

    def _mute(self, until: str) -> tuple[str, str]:
        self._button_until = None
        self._keep_mute(_until(until))
        return "", ""

    def _keep_mute(self, until: datetime | None) -> None:
        self._node.documents.local_mute = until
        self._node.counters.extra["mute_until"] = format_time(until) if until else ""
        self._node.counters.save()
        self._node.replan()
        self._node.tick_now()

    def _volume(self, pct: str) -> tuple[str, str]:
        """For what sounds now; what lasts is in the config."""
        value = int(pct)
        if not 0 <= value <= 100:
            return "malformed", "pct goes from 0 to 100"
        self._node.sound.send({"cmd": "volume", "pct": value})
        return "", ""


def _named(body: dict[str, Any]) -> Command:
    """A command that cannot be read, as far as its answer needs it."""
    return Command(str(body.get("command_id", ""))[:64], str(body.get("verb", ""))[:64])


def _until(text: str) -> datetime | None:
    """RFC 3339; empty lifts the mute; decades ahead is a slip."""
    if not text:
        return None
    moment = parse_time(text)
    if moment - parse_time("2026-01-01T00:00:00Z") > timedelta(days=365 * 50):
        raise ValueError("that is too far ahead")
    return moment
