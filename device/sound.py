"""The agent's hand on player and amplifier: starts both children, commands, listens, starts again.

`SoundPort` is what the rest of the agent sees. `Children` is the real one; `SilentPlayer` stands in
for it where hundreds of agents share one process and nothing is to sound.
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Protocol

from device.channel import Channel, Message, pair
from device.loop import Loop, Timer
from device.settings import Settings

log = logging.getLogger(__name__)

Listener = Callable[[Message], None]

_HANG_S = 8.0  # without a beat
_LOOK_S = 2.0
_RESTART_S = 0.2
_RESTART_LONGEST_S = 30.0
_QUIET_AFTER_S = 60.0


class SoundPort(Protocol):
    """Commands as the engine takes them; events come to the listener given at construction."""

    def start(self) -> None: ...

    def send(self, message: Message) -> bool: ...

    def stop(self) -> None: ...

    def healthy(self) -> bool: ...


class Children:
    """Player and keeper with socket pairs between all three; one dies, both are started anew."""

    def __init__(self, loop: Loop, settings: Settings, listen: Listener) -> None:
        self._loop = loop
        self._settings = settings
        self._listen = listen
        self._channels: list[Channel] = []
        self._player: Channel | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self._delay_s = _RESTART_S
        self._started_at = 0.0
        self._beats: dict[str, float] = {}  # child → when it was last heard of
        self._looked_at = 0.0
        self._on: set[str] = set()  # amplifiers, as far as we know
        self._ready = False
        self._timer: Timer | None = None
        self._stopped = False

    def start(self) -> None:
        """Start both; when the machine has no room for them now, again and again until it has."""
        self._stopped = False
        try:
            self._start_both()
        except OSError as error:
            log.error("player and amplifier keeper cannot be started: %s", error)
            self._clear(wait_s=0.0)
            self._start_later()
        else:
            self._listen({"event": "children_started"})

    def _start_both(self) -> None:
        self._started_at = self._loop.monotonic()
        self._beats = {"player": self._started_at}
        self._ready = not self._settings.has_amplifier
        if self._settings.has_amplifier:
            player_side, keeper_side = pair()
            with player_side, keeper_side:
                self._spawn_keeper(keeper_side)
                self._player = self._spawn_player(player_side.fileno())
        else:
            self._player = self._spawn_player(-1)
        self._look_later()

    def send(self, message: Message) -> bool:
        return self._player is not None and self._player.send(message)

    def healthy(self) -> bool:
        """Both children are up, and the amplifier's pin can be driven."""
        return self._player is not None and self._player.open and self._ready

    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    def stop(self) -> None:
        """Close the sockets: the pin goes low, the sound fades, both exit; the rest are killed."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        self._clear(wait_s=1.0)

    # --- children -----------------------------------------------------------------------------

    def _spawn_keeper(self, player_side: socket.socket) -> None:
        ours, theirs = pair()
        self._channels.append(Channel(self._loop, ours, self._from_keeper, self._lost))
        with theirs:
            self._spawn("device.amplifier", [theirs, player_side], self._settings.wiring.to_json())

    def _spawn_player(self, keeper_fd: int) -> Channel:
        ours, theirs = pair()
        settings = self._settings
        run = [sys.executable, "-m", "device.player.process", str(theirs.fileno()), str(keeper_fd)]
        run += [settings.sink, str(settings.buffer_ms), "1" if settings.realtime else "0"]
        fds = [theirs.fileno()] + ([keeper_fd] if keeper_fd >= 0 else [])
        channel = Channel(self._loop, ours, self._from_player, self._lost)
        self._channels.append(channel)
        with theirs:
            self._children.append(subprocess.Popen(run, pass_fds=fds, stdin=subprocess.DEVNULL))
        return channel

    def _spawn(self, module: str, ends: list[socket.socket], *rest: str) -> None:
        fds = [end.fileno() for end in ends]
        run = [sys.executable, "-m", module, *map(str, fds), *rest]
        # lgpio leaves a pipe in its working directory, which a hardened unit may not write to.
        environment = {"LG_WD": str(self._settings.data_dir), **os.environ}
        child = subprocess.Popen(run, pass_fds=fds, stdin=subprocess.DEVNULL, env=environment)
        self._children.append(child)

    def _from_player(self, message: Message) -> None:
        if message.get("event") == "beat":
            self._beats["player"] = self._loop.monotonic()
        else:
            self._listen(message)

    def _from_keeper(self, message: Message) -> None:
        if message.get("event") == "beat":
            self._beats["keeper"] = self._loop.monotonic()
            return
        if message.get("event") == "ready":
            self._ready = True
        elif message.get("event") == "pin":
            (self._on.add if message["on"] else self._on.discard)(str(message.get("zone")))
        self._listen(message)

    def _lost(self) -> None:
        """One of them is gone. The other follows: a player never sounds without its keeper."""
        if self._stopped or not self._channels:
            return
        log.error("player or amplifier keeper is gone; both are started again")
        if self._timer:
            self._timer.cancel()
        self._clear(wait_s=0.3)
        self._listen({"event": "children_lost"})
        self._start_later()

    def _start_later(self) -> None:
        quiet = self._loop.monotonic() - self._started_at > _QUIET_AFTER_S
        self._delay_s = _RESTART_S if quiet else min(self._delay_s * 2, _RESTART_LONGEST_S)
        self._started_at = self._loop.monotonic()
        # A pin that was left on stays driven until the next keeper opens it, low.
        wait_s = 0.0 if self._on else self._delay_s
        self._on.clear()
        self._timer = self._loop.call_later(wait_s, self.start)

    def _look_after(self) -> None:
        now = self._loop.monotonic()
        if now - self._looked_at > 2 * _LOOK_S:
            # It was we who hung: what they said meanwhile is still to be read.
            self._beats = dict.fromkeys(self._beats, now)
        for name, beat_at in self._beats.items():
            if now - beat_at > _HANG_S:
                log.error("the %s hangs; it is killed", name)
                self._lost()
                return
        self._look_later()

    def _look_later(self) -> None:
        self._looked_at = self._loop.monotonic()
        self._timer = self._loop.call_later(_LOOK_S, self._look_after)

    def _close_channels(self) -> None:
        for channel in self._channels:
            channel.close()
        self._channels = []
        self._player = None

    def _clear(self, wait_s: float) -> None:
        self._close_channels()
        for child in self._children:
            try:
                child.wait(wait_s)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children = []


class SilentPlayer:
    """Tells the story of each airing on time and makes no sound; for simulated nodes."""

    def __init__(self, loop: Loop, listen: Listener) -> None:
        self._loop = loop
        self._listen = listen
        self._jobs: dict[str, Message] = {}
        self._timers: dict[str, Timer] = {}

    def start(self) -> None:
        return

    def healthy(self) -> bool:
        return True

    def send(self, message: Message) -> bool:
        command, airing_id = message.get("cmd"), str(message.get("airing_id", ""))
        if command == "arm":
            self._jobs[airing_id] = dict(message)
        elif command == "retime" and airing_id in self._jobs:
            self._jobs[airing_id] |= {"start": message["start"]}
        elif command == "go" and airing_id in self._jobs:
            start = float(self._jobs[airing_id]["start"])
            self._timers[airing_id] = self._loop.call_at(start, lambda: self._begin(airing_id))
        elif command == "stop":
            for each in [airing_id] if airing_id else list(self._jobs):
                self._end(each, "stopped")
        return True

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._jobs.clear()

    def _begin(self, airing_id: str) -> None:
        job = self._jobs.get(airing_id)
        if job is None:
            return
        now = self._loop.monotonic()
        job["began"] = max(now, float(job["start"]))
        skipped = round((float(job["began"]) - float(job["start"])) * 48_000)
        event = {"event": "started", "airing_id": airing_id, "skipped": skipped}
        self._listen({**event, "first_frame": job["began"]})
        length = float(job["length_ms"]) / 1000
        self._timers[airing_id] = self._loop.call_at(
            float(job["start"]) + length, lambda: self._end(airing_id, "")
        )

    def _end(self, airing_id: str, cause: str) -> None:
        job = self._jobs.pop(airing_id, None)
        timer = self._timers.pop(airing_id, None)
        if timer:
            timer.cancel()
        if job is None:
            return
        if "began" not in job:
            self._listen({"event": "cancelled", "airing_id": airing_id})
            return
        now = self._loop.monotonic()
        frames = round((now - float(job["began"])) * 48_000)
        event = {"event": "finished", "airing_id": airing_id, "last_frame": now, "cause": cause}
        self._listen({**event, "played": frames, "skipped": 0, "xruns": 0})
