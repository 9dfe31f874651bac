"""Which recording of a clip may sound: the newest approved one that is valid at the instant."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from controller.models import (
    Airing,
    AiringArea,
    Approval,
    Clip,
    ClipVersion,
    ProgrammeItem,
    Schedule,
)

_STANDING = (Approval.APPROVED, Approval.PENDING)
_LONGEST = timedelta(days=1)  # nothing sounds for longer
_ARMED = timedelta(seconds=16)  # nodes take an airing in hand 15 s before its start


def airable(session: Session, clip_id: str, at: datetime) -> ClipVersion | None:
    """The newest approved version that is valid at that instant; None: the clip does not air."""
    found = airable_of(session, [clip_id], at)[clip_id]
    return found[0] if found else None


def airable_of(
    session: Session, clip_ids: Collection[str], at: datetime
) -> dict[str, list[ClipVersion]]:
    """Clip id → its approved versions valid at that instant, newest first."""
    query = (
        select(ClipVersion)
        .where(ClipVersion.clip_id.in_(set(clip_ids)), ClipVersion.status == Approval.APPROVED)
        .order_by(ClipVersion.version.desc())
    )
    found: dict[str, list[ClipVersion]] = {clip_id: [] for clip_id in clip_ids}
    for version in session.scalars(query):
        if is_valid(version, at):
            found[version.clip_id].append(version)
    return found


def newest_of(session: Session, clip_ids: Collection[str]) -> dict[str, ClipVersion]:
    """Clip id → its newest version, whatever its approval."""
    query = (
        select(ClipVersion)
        .where(ClipVersion.clip_id.in_(set(clip_ids)))
        .order_by(ClipVersion.version)
    )
    return {version.clip_id: version for version in session.scalars(query)}


def recorded_anew(original: ClipVersion | None, translation: ClipVersion | None) -> bool:
    """Whether an original is newer than what says it in another language.

    Both as `standing` gives them: a recording that was turned down changes nothing.
    """
    if original is None or translation is None:
        return False
    return original.created_at > translation.created_at


def standing(versions: Iterable[ClipVersion]) -> ClipVersion | None:
    """The first that airs or waits to; given newest first, the newest."""
    return next((v for v in versions if v.status in _STANDING), None)


def standing_of(session: Session, clip_ids: Collection[str]) -> dict[str, ClipVersion]:
    """Clip id → its newest version that airs or waits for its approval."""
    query = (
        select(ClipVersion)
        .where(ClipVersion.clip_id.in_(set(clip_ids)), ClipVersion.status.in_(_STANDING))
        .order_by(ClipVersion.version)
    )
    return {version.clip_id: version for version in session.scalars(query)}


def translations_of(session: Session, clip_ids: Iterable[str]) -> dict[str, list[Clip]]:
    """Clip id → the clips that say the same in other languages, in a stable order."""
    query = (
        select(Clip)
        .where(Clip.translation_of.in_(set(clip_ids)))
        .order_by(Clip.language, Clip.created_at, Clip.id)
    )
    found: dict[str, list[Clip]] = {}
    for clip in session.scalars(query):
        found.setdefault(clip.translation_of or "", []).append(clip)
    return found


def withdrawn_while_sounding(session: Session, now: datetime, area_id: str) -> set[str]:
    """Ids of an area's airings that nodes had in hand when a clip of theirs, or a translation of
    it, was withdrawn.

    What is further off needs no word: its next document leaves the clip out.
    """
    query = (
        select(Airing.id, Airing.starts_at, ClipVersion.decided_at)
        .join(AiringArea, AiringArea.airing_id == Airing.id)
        .join(Schedule, Schedule.id == Airing.schedule_id)
        .join(ProgrammeItem, ProgrammeItem.programme_id == Schedule.programme_id)
        .join(
            Clip,
            or_(Clip.id == ProgrammeItem.clip_id, Clip.translation_of == ProgrammeItem.clip_id),
        )
        .join(ClipVersion, ClipVersion.clip_id == Clip.id)
        .where(
            AiringArea.area_id == area_id,
            Airing.cancelled_at.is_(None),
            Airing.starts_at <= now + _ARMED,
            Airing.starts_at > now - _LONGEST,
            ClipVersion.status == Approval.WITHDRAWN,
        )
        .distinct()
    )
    return {
        airing_id
        for airing_id, starts_at, withdrawn_at in session.execute(query)
        if withdrawn_at is not None and withdrawn_at >= starts_at - _ARMED
    }


def areas_sounding(session: Session, clip_id: str, now: datetime) -> list[str]:
    """The areas in which an airing with the clip, or one it translates, may be sounding."""
    original = select(Clip.translation_of).where(Clip.id == clip_id).scalar_subquery()
    query = (
        select(AiringArea.area_id)
        .join(Airing, Airing.id == AiringArea.airing_id)
        .join(Schedule, Schedule.id == Airing.schedule_id)
        .join(ProgrammeItem, ProgrammeItem.programme_id == Schedule.programme_id)
        .where(
            or_(ProgrammeItem.clip_id == clip_id, ProgrammeItem.clip_id == original),
            Airing.cancelled_at.is_(None),
            Airing.starts_at <= now + _ARMED,
            Airing.starts_at > now - _LONGEST,
        )
        .distinct()
    )
    return sorted(session.scalars(query))


def is_valid(version: ClipVersion, at: datetime) -> bool:
    """Whether `at` lies within the version's validity (both ends may be open)."""
    begun = version.valid_from is None or version.valid_from <= at
    return begun and (version.valid_until is None or at < version.valid_until)
