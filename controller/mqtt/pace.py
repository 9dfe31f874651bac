"""A token bucket: how fast something may go, with a burst to begin with."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` of them a second. Not locked: one thread each."""

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = now_s

    def wait_s(self, amount: float, now_s: float) -> float:
        """Seconds until `amount` may be taken; 0 when it may be taken now."""
        self._fill(now_s)
        # Rounded, because a wait below a clock's resolution would never pass.
        return max(0.0, round((min(amount, self._burst) - self._tokens) / self._rate, 6))

    def take(self, amount: float, now_s: float) -> bool:
        """Take `amount` if it is there; more than the burst goes through a full bucket."""
        if self.wait_s(amount, now_s) > 0:
            return False
        self._tokens -= amount
        return True

    def _fill(self, now_s: float) -> None:
        elapsed, self._filled_at = max(0.0, now_s - self._filled_at), now_s
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
