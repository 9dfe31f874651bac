"""The one number that orders everything said to nodes.

A node refuses a number that is not higher than the last on the same topic and compares across
topics to let a stop beat an older play. Restoring a backup rolls the number back, so a restore
jumps it forward (`RESTORE_JUMP`). A database may be rolled back without us, too (pg_restore, a
snapshot, a replica that lagged): so each start begins above what time alone allows to have been
said, a thousand messages a second since 2020.

It is a fence, too: who takes the lead writes its name beside the number, in the same locked row,
and a former leader that was paused in the middle of its work gets no number for what it saw before.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.errors import ControllerError
from controller.models import SaidSequence

RESTORE_JUMP = 2**32
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
_MISSED = timedelta(hours=2)


class LeadLost(ControllerError):
    """Another service has taken the lead; whoever gets this must say nothing more."""

    def __init__(self) -> None:
        super().__init__(
            "lead_lost",
            "Một dịch vụ điều khiển khác đã thay dịch vụ này.",
            "Another controller service has taken this one's place.",
        )


def take_lead(session: Session, leader: str) -> None:
    """From the caller's commit on, only `leader` may number what services say."""
    _row(session).leader = leader


def leads(session: Session, leader: str) -> bool:
    """Whether nobody has taken the lead since `leader` did."""
    return session.scalar(select(SaidSequence.leader)) == leader


def next_seq(session: Session) -> int:
    """The next number; it is used up when the caller's transaction commits."""
    return next_seqs(session, 1)


def next_seqs(session: Session, count: int, leader: str = "") -> int:
    """The first of the next `count` numbers, which are used up together.

    Raises LeadLost when `leader`, where given, does not lead any more.
    """
    row = _row(session)
    if leader and row.leader != leader:
        raise LeadLost
    row.last += count
    session.flush()
    return row.last - count + 1


def jump_after_restore(session: Session) -> int:
    """Move past anything a node may have seen before the restored backup was made."""
    row = _row(session)
    row.last += RESTORE_JUMP
    return row.last


def keep_above_the_past(session: Session, now: datetime) -> bool:
    """Raise the number to what can have been said until `now`; called at each start and hourly.

    True when hours are missing: nobody was running, or the database is older than it should be and
    nodes have heard more than it knows.
    """
    row = _row(session)
    floor = (now - _BEGAN) // timedelta(milliseconds=1)
    missing = floor - row.last > _MISSED // timedelta(milliseconds=1)
    row.last = max(row.last, floor)
    return missing


def _row(session: Session) -> SaidSequence:
    row = session.scalar(select(SaidSequence).with_for_update())
    if row is None:
        row = SaidSequence(id=1, last=0, leader="")
        session.add(row)
    return row
