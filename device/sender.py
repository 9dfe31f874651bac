"""Gets the outbox to the controller: small batches, few at a time, again until acknowledged."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from device.outbox import Outbox
from protocol.messages import Report, ReportAck, ReportBatch

BATCH = 50
OUTSTANDING = 2
_RESEND_S = 30.0
_RESEND_LONGEST_S = 600.0


@dataclass
class _Sent:
    """A batch on its way: its seqs, when it is to be sent again, and how long the wait grew."""

    seqs: set[int]
    again_at: float
    wait_s: float


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

    def connected(self) -> None:
        """A new connection: whatever was on its way is sent again."""
        self._sent.clear()

    def tick(self, now: float) -> None:
        """Send what is due. `now`: monotonic seconds."""
        waiting = [sent for sent in self._sent if sent.again_at <= now]
        for sent in waiting:
            self._resend(sent, now)
        while len(self._sent) < OUTSTANDING:
            last = max((max(sent.seqs) for sent in self._sent), default=0)
            reports = self._outbox.owed(BATCH, after=last)
            if not reports or not self._send(reports):
                return
            self._sent.append(
                _Sent({r.seq for r in reports}, now + self._spread(_RESEND_S), _RESEND_S)
            )

    def acknowledged(self, ack: ReportAck, now: float) -> int:
        """Forget what the controller has committed, and send on. How many reports that were."""
        gone = self._outbox.acknowledge(ack.store_epoch, ack.upto, ack.also)
        if ack.store_epoch == self._outbox.store_epoch:
            for sent in self._sent:
                sent.seqs = {s for s in sent.seqs if s > ack.upto and s not in ack.also}
            self._sent = [sent for sent in self._sent if sent.seqs]
        self.tick(now)
        return gone

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
