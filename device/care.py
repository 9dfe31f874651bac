"""What looks after the node itself: health, its telling, lamp, a modem that hangs, USB sticks."""

from datetime import timedelta
from typing import TYPE_CHECKING

from device.airing import Heard, Run
from device.channel import Message
from device.lamp import Lamp, flashes, open_led
from device.life import Life
from device.link_watchdog import LinkWatchdog, Measures, words_of
from device.listener import Listener, programme_start
from device.pulse import Pulse
from device.status import Health
from device.stick import StickDrive
from protocol.outcomes import Outcome

if TYPE_CHECKING:
    from device.node import Node

_QUIET_BEFORE = timedelta(minutes=10)  # the link's watchdog keeps its hands off


class Care:
    """Made with the node, started after its plan, stopped after its last word."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        board = node.equipment.board
        self.life = Life(node.counters, board, node.equipment.boot_id) if board else None
        self.listener = Listener(node.loop, node.settings.microphone, node.counters)
        self.health = Health(node, self.life, self.listener)
        node.stage.heard_of = self._heard_of
        self.pulse = Pulse(
            node.loop,
            node.voice,
            self.health.status,
            lambda: node.documents.config.status_interval_s,
        )
        self.lamp = self._lamp()
        self.watchdog = self._watchdog()
        self.sticks = StickDrive(node, node.settings.stick_dirs)

    def begin(self) -> None:
        """First of all: note that a life has begun."""
        if self.life:
            self.life.begin()

    def start(self) -> None:
        self.watchdog.start()
        self.sticks.start()

    def take(self, event: Message) -> None:
        """What player and amplifier keeper tell."""
        self.health.heard(event)
        airing_id = str(event.get("airing_id", ""))
        if event.get("event") == "started":
            start = programme_start(float(event["first_frame"]), int(event["skipped"]))
            sounds, length_ms = self._node.stage.sounds_of(airing_id)
            self.listener.begin(airing_id, sounds, start, length_ms)
        elif event.get("event") in ("finished", "cancelled"):
            self.listener.end(airing_id)

    def _heard_of(self, run: Run) -> Heard | None:
        played = run.outcome()[0] is Outcome.PLAYED
        return self.listener.heard(run.placed.airing_id, played=played)

    def note(self) -> None:
        """Now and then, before the counters are saved."""
        if self.life:
            self.life.note()

    def stop(self) -> None:
        self.pulse.stop()
        self.listener.stop()
        if self.lamp:
            self.lamp.close()
        if self.life:
            self.life.end()

    def _lamp(self) -> Lamp | None:
        settings = self._node.settings
        if settings.led_pin < 0 or self._node.equipment.silent:
            return None
        led = open_led(settings.led_pin, settings.data_dir)
        return Lamp(self._node.loop, led, self._flashes) if led else None

    def _flashes(self) -> int:
        problems = self.health.problems()
        on_air = bool(self._node.stage.playing)
        return flashes(problems, connected=self._node.link.connected, on_air=on_air)

    def _watchdog(self) -> LinkWatchdog:
        settings = self._node.settings
        measures = Measures(
            words_of(settings.link_reset_command),
            settings.link_reset_usb,
            words_of(settings.link_reboot_command),
        )
        return LinkWatchdog(
            self._node.loop,
            self._node.counters,
            measures,
            reset_after_s=settings.link_reset_min * 60.0,
            reboot_after_s=settings.link_reboot_min * 60.0,
            connected=lambda: self._node.link.connected,
            quiet=self._is_quiet,
        )

    def _is_quiet(self) -> bool:
        """Nothing is on the air, or will be within minutes."""
        node = self._node
        now = node.clock.now()
        coming = node.planner.coming(now)
        return not node.stage.busy and (coming is None or coming.starts_at > now + _QUIET_BEFORE)
