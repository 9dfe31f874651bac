"""Clips about to leave the air: the official hears of it days before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, require_role, visible_areas
from controller.models import Approval, Clip, ClipVersion, ProgrammeItem, Schedule, ScheduleArea
from controller.planning.versions import airable_of
from controller.territory import areas

SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Expiring:
    """A clip, when nothing of it may air any more, and the schedules that still use it."""

    clip: Clip
    at: datetime
    schedules: list[Schedule]


def expiring(
    session: Session, actor: Actor, now: datetime, within: timedelta = SOON
) -> list[Expiring]:
    """Clips of the actor's areas that fall silent within the time, soonest first.

    One shared from above is named where the actor's own schedules use it.
    """
    require_role(actor, Action.VIEW)
    query = (
        select(Clip)
        .join(ClipVersion)
        .where(
            ClipVersion.status == Approval.APPROVED,
            ClipVersion.valid_until > now,
            ClipVersion.valid_until <= now + within,
        )
        .distinct()
    )
    own, reaching = visible_areas(session, actor), areas.reaching(session, actor)
    if reaching is not None:
        query = query.where(or_(Clip.area_id.is_(None), Clip.area_id.in_(reaching)))
    clips = list(session.scalars(query))
    later = airable_of(session, [clip.id for clip in clips], now + within)
    ending = [clip for clip in clips if not later[clip.id]]
    users = _schedules(session, ending, own)
    found = [
        Expiring(clip, _end(clip, now), users.get(clip.id, []))
        for clip in ending
        if own is None or clip.area_id in own or clip.id in users
    ]
    return sorted(found, key=lambda each: (each.at, each.clip.id))


def _end(clip: Clip, now: datetime) -> datetime:
    ends = [
        version.valid_until
        for version in clip.versions
        if version.status == Approval.APPROVED and version.valid_until is not None
    ]
    return max(end for end in ends if end > now)


def _schedules(
    session: Session, clips: list[Clip], own: frozenset[str] | None
) -> dict[str, list[Schedule]]:
    query = (
        select(ProgrammeItem.clip_id, Schedule)
        .join(Schedule, Schedule.programme_id == ProgrammeItem.programme_id)
        .where(
            ProgrammeItem.clip_id.in_([clip.id for clip in clips]),
            Schedule.deleted_at.is_(None),
            Schedule.status == Approval.APPROVED,
        )
        .order_by(Schedule.title, Schedule.id)
    )
    if own is not None:
        named = select(ScheduleArea.schedule_id).where(ScheduleArea.area_id.in_(own))
        query = query.where(Schedule.id.in_(named))
    found: dict[str, list[Schedule]] = {}
    for clip_id, schedule in session.execute(query):
        found.setdefault(clip_id, []).append(schedule)
    return found
