"""Browsers somebody is signed in with: each is a row, so that a single one can be shown the door.

A remembered phone stays for 90 days; any other browser for twelve hours after its last page, and
no longer than that either.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from controller.accounts import audit
from controller.accounts.access import Actor
from controller.errors import NotFound
from controller.models import BrowserSession, User

KNOWN_PHONE: Final = timedelta(days=90)
IDLE: Final = timedelta(hours=12)
# A page asked for is noted now and then: not every look may cost a write.
_NOTED_EVERY: Final = timedelta(minutes=10)
_LONGEST: Final = 80


def begin(
    session: Session, user: User, now: datetime, *, kept: bool, agent: str = "", proven: bool
) -> BrowserSession:
    """`proven`: with a second factor. `agent`: words for the browser, such as Chrome · Android."""
    row = BrowserSession(
        user_id=user.id,
        agent=agent[:_LONGEST],
        kept=kept,
        begun_at=now,
        seen_at=now,
        proven_at=now if proven else None,
    )
    session.add(row)
    session.flush()
    return row


def alive(session: Session, session_id: str, user_id: str, now: datetime) -> BrowserSession | None:
    """The session, unless it was ended, is another's, or has lasted long enough."""
    query = select(BrowserSession).where(
        BrowserSession.id == session_id, BrowserSession.user_id == user_id, _holds(now)
    )
    return session.scalar(query)


def wants_note(row: BrowserSession, now: datetime) -> bool:
    """Whether the last page is long enough ago to be worth a write."""
    return now - row.seen_at > _NOTED_EVERY


def note(session: Session, session_id: str, now: datetime) -> None:
    """Somebody looked at a page."""
    session.execute(
        update(BrowserSession).where(BrowserSession.id == session_id).values(seen_at=now)
    )


def of_user(session: Session, user_id: str, now: datetime) -> list[BrowserSession]:
    """Those that still hold, the one used last first."""
    query = select(BrowserSession).where(BrowserSession.user_id == user_id, _holds(now))
    return list(session.scalars(query.order_by(BrowserSession.seen_at.desc(), BrowserSession.id)))


def end(session: Session, actor: Actor, session_id: str, now: datetime) -> None:
    """Show one of one's own browsers the door. Raises NotFound for anybody else's."""
    row = session.get(BrowserSession, session_id)
    if row is None or row.user_id != actor.user_id:
        raise NotFound("session")
    row.ended_at = row.ended_at or now
    audit.record(session, actor, "user.session_end", "user", row.user_id, actor.area_id, now)


def prune(session: Session, now: datetime) -> int:
    """Forget sessions that ended or ran out a quarter of a year ago. Returns how many."""
    old = now - 2 * KNOWN_PHONE
    rows = list(session.scalars(select(BrowserSession).where(BrowserSession.seen_at < old)))
    for row in rows:
        session.delete(row)
    return len(rows)


def _holds(now: datetime) -> ColumnElement[bool]:
    # However often it is used: after so long somebody says again who they are.
    young = BrowserSession.begun_at > now - KNOWN_PHONE
    in_use = or_(BrowserSession.kept, BrowserSession.seen_at > now - IDLE)
    return BrowserSession.ended_at.is_(None) & young & in_use
