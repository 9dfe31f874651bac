"""The player's process.

    python -m device.player.process AGENT_FD KEEPER_FD SINK BUFFER_MS REALTIME

Small, and with real-time priority where the system permits it. When the agent's socket closes it
fades out, lets the amplifier go and exits.
"""

import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.channel import Channel
from device.errors import SinkError
from device.keeper import LEASE_S
from device.loop import Loop
from device.player.backends import opener
from device.player.engine import Engine
from device.priority import PLAYER, become_realtime

log = logging.getLogger(__name__)

RENEW_S = LEASE_S / 4
_FADE_OUT_S = 0.12


class KeeperLease:
    """Holds the amplifier by repeating itself; a keeper that does not hear us switches off."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._holding: tuple[str, ...] = ()
        self._renewed = 0.0

    def hold(self, airing_id: str, zones: Sequence[str]) -> None:
        now = time.monotonic()
        if self._holding != (airing_id, *zones) or now - self._renewed >= RENEW_S:
            self._holding, self._renewed = (airing_id, *zones), now
            self._channel.send({"cmd": "hold", "airing_id": airing_id, "zones": list(zones)})

    def release(self) -> None:
        if self._holding:
            self._holding = ()
            self._channel.send({"cmd": "release"})


class NoLease:
    """A node without a switched amplifier."""

    def hold(self, airing_id: str, zones: Sequence[str]) -> None:
        return

    def release(self) -> None:
        return


class PlayerProcess:
    """The engine on a loop between the agent's socket and the keeper's."""

    def __init__(self, agent_fd: int, keeper_fd: int, sink: str, buffer_ms: int) -> None:
        self.loop = Loop()
        self._agent = Channel(
            self.loop, socket.socket(fileno=agent_fd), self._command, self._orphaned
        )
        lease = self._lease(keeper_fd)
        kind, _, rest = sink.partition(":")
        evidence_dir = Path(rest) if kind == "file" else None
        self._engine = Engine(
            opener(sink, buffer_ms), self._emit, lease, evidence_dir, time.monotonic
        )
        self._agent_gone = False
        self._beat()

    def _lease(self, keeper_fd: int) -> KeeperLease | NoLease:
        if keeper_fd < 0:
            return NoLease()
        end = socket.socket(fileno=keeper_fd)
        return KeeperLease(Channel(self.loop, end, lambda _: None, self._orphaned))

    def run(self) -> None:
        while not self._agent_gone:
            wait = self._engine.step()
            self.loop.turn(1.0 if wait is None else wait)
        self._engine.silence()
        if self._engine.sink:
            # The faded frames are in the card's buffer; let them out.
            select.select([], [], [], _FADE_OUT_S)
            self._engine.sink.close()

    def stop(self) -> None:
        self._agent_gone = True

    def _emit(self, event: dict[str, Any]) -> None:
        self._agent.send(event)

    def _command(self, message: dict[str, Any]) -> None:
        self._engine.handle(message)

    def _orphaned(self) -> None:
        self._agent_gone = True

    def _beat(self) -> None:
        """So that the agent notices when this process hangs."""
        self._agent.send({"event": "beat"})
        self.loop.call_later(1.0, self._beat)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="player: %(levelname)s %(message)s")
    agent_fd, keeper_fd, sink, buffer_ms, realtime = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the agent, which tells us
    player = PlayerProcess(int(agent_fd), int(keeper_fd), sink, int(buffer_ms))
    signal.signal(signal.SIGTERM, lambda *_: player.stop())
    if realtime == "1":
        become_realtime(PLAYER)
    gc.collect()
    gc.freeze()  # what is loaded stays; collections in mid-sound stay short
    try:
        player.run()
    except SinkError as error:
        log.error("%s; the player ends and is started again", error)
        os._exit(1)  # what hangs would hang an orderly end, too
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
