"""A mobile modem's signal, asked of ModemManager now and then, beside the loop.

Asking takes seconds and may hang with the modem, so a thread does it; the loop reads what was
heard last. Without ModemManager nothing is ever started.
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable

_EVERY_S = 300.0
_PATIENCE_S = 20.0
_SIGNAL = "modem.generic.signal-quality.value"

Run = Callable[[list[str]], str]


class ModemGauge:
    """Called, it gives the last signal heard in percent; None: no modem, or not yet known."""

    def __init__(
        self,
        ask: Callable[[], int | None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask or (modem_signal if shutil.which("mmcli") else None)
        self._monotonic = monotonic
        self._asked_at = -_EVERY_S
        self._last: int | None = None
        self.asking: threading.Thread | None = None

    def __call__(self) -> int | None:
        now, last = self._monotonic(), self._last
        idle = self.asking is None or not self.asking.is_alive()
        if self._ask and idle and now - self._asked_at >= _EVERY_S:
            self._asked_at = now
            self.asking = threading.Thread(target=self._hear, args=(self._ask,), daemon=True)
            self.asking.start()
        return last

    def _hear(self, ask: Callable[[], int | None]) -> None:
        self._last = ask()


def modem_signal(run: Run | None = None) -> int | None:
    """Percent, from ModemManager; None without a modem. Takes seconds: not for the loop."""
    for line in (run or _run)(["mmcli", "-m", "any", "-K"]).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == _SIGNAL and value.strip().isdecimal():
            return int(value)
    return None


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
