"""The clock is a sensor that can be wrong: what time it is, and whether to believe it.

Trust comes, best first, from the kernel's own judgement (NTP), from the controller's beacon that
echoes our nonce, and from an RTC last set from trusted time no more than some weeks ago. The time
itself is the system's, or goes on from the beacon, or is the RTC's plus what that was off by when
last compared with trusted time.

NTP is unsigned. Where a beacon contradicts it, no clock is trusted; the time goes on by the beacon,
which is what emergencies, dated by the controller's own clock, are measured by.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from protocol.messages import ClockReading

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040
_TIMEX_BYTES = 208  # 64-bit kernels; room enough for 32-bit ones
_STATUS_OFFSET = 40 if ctypes.sizeof(ctypes.c_long) == 8 else 20
BUILT_AT = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
_FRESH_BEACON_S = 7 * 86_400.0
_CONTRADICTION_S = 60.0  # between NTP and what a beacon allows; two honest clocks agree to seconds
_CRYSTAL = 2e-4  # by how much a monotonic clock may go wrong
_DRIFT_S = 2.0  # more than NTP corrects within seconds


def kernel_is_synchronised() -> bool:
    """Whether NTP or PTP keeps the kernel's clock (adjtimex without privileges)."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    state: int = _loaded().ntp_adjtime(timex)
    status = ctypes.c_int.from_buffer(timex, _STATUS_OFFSET).value
    return 0 <= state < _TIME_ERROR and not status & _STA_UNSYNC


@cache
def _loaded() -> ctypes.CDLL:
    """What is loaded already; looked up once, as the clock is asked about twice a second."""
    return ctypes.CDLL(None)


def has_rtc() -> bool:
    """Whether the kernel took its time at boot from a battery-backed clock."""
    return any(
        path.read_text().strip() == "1" for path in Path("/sys/class/rtc").glob("rtc*/hctosys")
    )


@dataclass(frozen=True, slots=True)
class Sensors:
    """Where trust is read from; tests put their own in."""

    synchronised: Callable[[], bool] = kernel_is_synchronised
    rtc: Callable[[], bool] = has_rtc


class Clock:
    """Wall time with a verdict. `saved_at`: the last trusted time a former run wrote down.

    `saved_correction_s`: what the system's clock was to be corrected by then.
    """

    def __init__(
        self,
        *,
        always_trusted: bool = False,
        saved_at: float = 0.0,
        saved_correction_s: float = 0.0,
        rtc_trust_s: float = 30 * 86_400.0,
        sensors: Sensors | None = None,
    ) -> None:
        self._anchor: float | None = None  # wall minus monotonic, where the system is not followed
        self.offset_ms = 0  # system minus the controller's, as the last beacon showed it
        self._always_trusted = always_trusted
        self._saved_at = saved_at
        self._saved_correction_s = saved_correction_s
        self._rtc_trust_s = rtc_trust_s
        self._sensors = sensors or Sensors()
        self._beacon_at: float | None = None  # monotonic
        self._beacon = (0.0, 0.0)  # the controller's time then: from, until
        self._fallback = 0.0  # wall minus monotonic after a beacon, should NTP end
        self._has_rtc = self._sensors.rtc()
        self._verdict: tuple[float, bool, str] | None = None

    def system(self) -> float:
        """The system's wall clock, Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        """The time to act by, Unix seconds.

        Where we know better than the system's clock, steps of that clock by nobody we trust are
        nothing to us: the time goes on from what was known, by the monotonic clock.
        """
        return self.system() if self._anchor is None else self.monotonic() + self._anchor

    @property
    def correction_s(self) -> float:
        """What is added to the system's clock now."""
        return self.wall() - self.system() if self._anchor is not None else 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wall(), UTC)

    def wall_minus_monotonic(self) -> float:
        """The offset between the two clocks, read so that a pre-emption in between is noticed."""
        best = (float("inf"), 0.0)
        for _ in range(3):
            before = self.monotonic()
            wall = self.wall()
            after = self.monotonic()
            best = min(best, (after - before, wall - (before + after) / 2))
            if best[0] < 50e-6:
                break
        return best[1]

    @property
    def trusted(self) -> bool:
        return self.reading().trusted

    def reading(self) -> ClockReading:
        trusted, source = self._judge_now_and_then()
        return ClockReading(trusted=trusted, source=source, offset_ms=self.offset_ms)

    def take_beacon(self, controller_now: float, round_trip_s: float) -> None:
        """A fresh, signed time of the controller's, `round_trip_s` after it was asked for."""
        there = controller_now + round_trip_s / 2
        self.offset_ms = round((self.system() - there) * 1000)
        self._beacon_at = self.monotonic()
        self._beacon = (controller_now, controller_now + round_trip_s)
        self._verdict = None
        if self._always_trusted:
            return
        if self._claims_to_be_right() and not self.contradicted:
            self._fallback = self.system() - self.monotonic()
        else:
            self._anchor = self._fallback = there - self.monotonic()
            self._saved_at, self._saved_correction_s = there, there - self.system()

    def _judge_now_and_then(self) -> tuple[bool, str]:
        # Asked on every record and every turn; the kernel's answer keeps for two seconds.
        at = self.monotonic()
        if self._verdict is None or at - self._verdict[0] > 2.0:
            self._verdict = (at, *self._judge())
        return self._verdict[1:]

    def _judge(self) -> tuple[bool, str]:
        if self._always_trusted:
            return True, "ntp"
        if self._claims_to_be_right():
            if self.contradicted:
                self._anchor = self._fallback
                self.offset_ms = round(-self.correction_s * 1000)
                return False, "ntp"
            self._anchor = None
            self._follow()
            return True, "ntp"
        if self.told:
            if self._anchor is None:  # NTP kept the time until now
                self._anchor = self._fallback
            return True, "beacon"
        return self._judge_rtc()

    def _claims_to_be_right(self) -> bool:
        return self._sensors.synchronised() and self.system() >= BUILT_AT

    @property
    def told(self) -> bool:
        """Whether the controller's time is known, from a beacon not too long ago."""
        at = self._beacon_at
        return at is not None and self.monotonic() - at < _FRESH_BEACON_S

    @property
    def contradicted(self) -> bool:
        """Whether a clock that claims to be right is far from all that the last beacon allows.

        The beacon was made at some moment between our asking and its coming, so that no delay on
        its way makes a contradiction; an old one never comes here (it echoes another nonce).
        """
        if self._beacon_at is None or not self.told or not self._claims_to_be_right():
            return False
        passed_s = self.monotonic() - self._beacon_at
        spread_s = _CONTRADICTION_S + passed_s * _CRYSTAL
        earliest, latest = (moment + passed_s for moment in self._beacon)
        return not earliest - spread_s <= self.system() <= latest + spread_s

    def _follow(self) -> None:
        """What NTP makes of the time, but for jumps, is what goes on when NTP ends."""
        offset = self.system() - self.monotonic()
        if abs(offset - self._fallback) < _DRIFT_S:
            self._fallback = offset

    def _judge_rtc(self) -> tuple[bool, str]:
        if self._anchor is None and self._has_rtc:
            # Nobody sets an RTC by our beacons: it is still off by what it was off then.
            self._anchor = self.system() + self._saved_correction_s - self.monotonic()
        now = self.wall()
        after_saved = self._saved_at > BUILT_AT and now >= self._saved_at
        if self._has_rtc and after_saved and now - self._saved_at <= self._rtc_trust_s:
            return True, "rtc"
        self._anchor = None if self._beacon_at is None else self._anchor
        return False, "saved" if after_saved else "guess"
