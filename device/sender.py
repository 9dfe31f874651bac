"""Gets the outbox to the controller: small batches, few at a time, again until acknowledged.

What happens now goes before what waited while there was no link, and on a slow line the batches
shrink, so that a year of backlog holds up neither today's reports nor anything else that is said.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from device.outbox import Outbox
from protocol.messages import Report, ReportAck, ReportBatch

BATCH = 50
OUTSTANDING = 2
_RESEND_S = 30.0
_RESEND_LONGEST_S = 600.0
_SMALLEST = 5
_SLOW_S, _QUICK_S = 5.0, 2.0  # an acknowledgement that took so long: smaller batches, or larger


@dataclass
class _Sent:
    """A batch on its way: its seqs, when it is to be sent again, and how long the wait grew."""

    seqs: set[int]
    again_at: float
    wait_s: float
    sent_at: float


class Sender:
    """`publish(batch)` says whether the batch left; `tick` is called often and costs little."""

    def __init__(
        self,
        outbox: Outbox,
        publish: Callable[[ReportBatch], bool],
        jitter: random.Random | None = None,
    ) -> None:
        self._outbox = outbox
        self._publish = publish
        self._jitter = jitter or random.Random()
        self._sent: list[_Sent] = []
        self._live_after = 0  # reports above this number are of now, not of a time without a link
        self._size = BATCH

    def connected(self) -> None:
        """A new connection: whatever was on its way is sent again."""
        self._sent.clear()
        self._live_after = self._outbox.newest()

    def tick(self, now: float) -> None:
        """Send what is due. `now`: monotonic seconds."""
        waiting = [sent for sent in self._sent if sent.again_at <= now]
        for sent in waiting:
            self._resend(sent, now)
        while len(self._sent) < OUTSTANDING:
            reports = self._next()
            if not reports or not self._send(reports):
                return
            again_at = now + self._spread(_RESEND_S)
            self._sent.append(_Sent({r.seq for r in reports}, again_at, _RESEND_S, now))

    def _next(self) -> list[Report]:
        """The oldest of what is live and not on its way; when there is none, of the backlog."""
        on_the_way = {seq for sent in self._sent for seq in sent.seqs}
        live = max((s for s in on_the_way if s > self._live_after), default=self._live_after)
        reports = self._outbox.owed(self._size, after=live)
        if reports:
            return reports
        waiting = max((s for s in on_the_way if s <= self._live_after), default=0)
        backlog = self._outbox.owed(self._size, after=waiting)
        return [report for report in backlog if report.seq <= self._live_after]

    def acknowledged(self, ack: ReportAck, now: float) -> int:
        """Forget what the controller has committed, and send on. How many reports that were."""
        gone = self._outbox.acknowledge(ack.store_epoch, ack.upto, ack.also)
        if ack.store_epoch == self._outbox.store_epoch:
            for sent in self._sent:
                sent.seqs = {s for s in sent.seqs if s > ack.upto and s not in ack.also}
            for sent in self._sent:
                if not sent.seqs:
                    self._learn(now - sent.sent_at)
            self._sent = [sent for sent in self._sent if sent.seqs]
        self.tick(now)
        return gone

    def _learn(self, took_s: float) -> None:
        if took_s > _SLOW_S:
            self._size = max(self._size // 2, _SMALLEST)
        elif took_s < _QUICK_S:
            self._size = min(self._size * 2, BATCH)

    def _resend(self, sent: _Sent, now: float) -> None:
        first, last = min(sent.seqs), max(sent.seqs)
        owed = [r for r in self._outbox.owed(BATCH, after=first - 1) if r.seq <= last]
        if not owed:
            self._sent.remove(sent)
            return
        self._send(owed)
        sent.wait_s = min(sent.wait_s * 2, _RESEND_LONGEST_S)
        sent.again_at = now + self._spread(sent.wait_s)

    def _send(self, reports: list[Report]) -> bool:
        return self._publish(ReportBatch(self._outbox.store_epoch, tuple(reports)))

    def _spread(self, seconds: float) -> float:
        return seconds * self._jitter.uniform(0.8, 1.2)
