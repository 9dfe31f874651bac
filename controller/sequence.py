"""The one number that orders everything said to nodes.

A node refuses a number that is not higher than the last on the same topic and compares across
topics to let a stop beat an older play. Restoring a backup rolls the number back, so a restore
jumps it forward (`RESTORE_JUMP`). A database may be rolled back without us, too (pg_restore, a
snapshot, a replica that lagged): so each start begins above what time alone allows to have been
said, a thousand messages a second since 2020.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.models import SaidSequence

RESTORE_JUMP = 2**32
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
_MISSED = timedelta(hours=2)


def next_seq(session: Session) -> int:
    """The next number; it is used up when the caller's transaction commits."""
    return next_seqs(session, 1)


def next_seqs(session: Session, count: int) -> int:
    """The first of the next `count` numbers, which are used up together."""
    row = session.scalar(select(SaidSequence).with_for_update())
    if row is None:
        row = SaidSequence(id=1, last=0)
        session.add(row)
    row.last += count
    session.flush()
    return row.last - count + 1


def jump_after_restore(session: Session) -> int:
    """Move past anything a node may have seen before the restored backup was made."""
    row = session.scalar(select(SaidSequence).with_for_update())
    if row is None:
        row = SaidSequence(id=1, last=0)
        session.add(row)
    row.last += RESTORE_JUMP
    return row.last


def keep_above_the_past(session: Session, now: datetime) -> bool:
    """Raise the number to what can have been said until `now`; called at each start and hourly.

    True when hours are missing: nobody was running, or the database is older than it should be and
    nodes have heard more than it knows.
    """
    row = session.scalar(select(SaidSequence).with_for_update())
    if row is None:
        row = SaidSequence(id=1, last=0)
        session.add(row)
    floor = (now - _BEGAN) // timedelta(milliseconds=1)
    missing = floor - row.last > _MISSED // timedelta(milliseconds=1)
    row.last = max(row.last, floor)
    return missing
