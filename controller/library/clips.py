"""Clips: what is said, and the approval of each recording of it.

upload (`controller.library.uploads`) → a pending version → approve: from then on every airing not
yet begun takes it. Withdrawal acts at once, on every version.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from audio_library.settings import Trim
from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, below, require, require_role
from controller.calendar.policy import Policy
from controller.commands import CommandKind
from controller.errors import Conflict, NotAllowed, NotFound
from controller.library.uploads import Cancelled, Progress, UploadInput, edit, speak, upload
from controller.models import Approval, Clip, ClipVersion
from controller.paging import Page, beyond, limited, page_of
from controller.planning import rechecks
from controller.planning.versions import (
    airable,
    airable_of,
    areas_sounding,
    newest_of,
    recorded_anew,
    standing_of,
)
from controller.searching import matches
from controller.territory import areas

__all__ = [
    "Cancelled",
    "ClipFilters",
    "ClipView",
    "Progress",
    "Trim",
    "UploadInput",
    "airable",
    "approve",
    "edit",
    "get",
    "is_newest",
    "page",
    "policy_of",
    "refuse_author",
    "reject",
    "speak",
    "upload",
    "view",
    "views",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class ClipFilters:
    """What of the library to show; None leaves a filter out."""

    topic: int | None = None
    language: str | None = None
    status: Approval | None = None  # of the newest version
    area_id: str | None = None
    q: str | None = None  # words, with or without accents


@dataclass(frozen=True, slots=True)
class ClipView:
    """A clip, its newest version, and the version that airs now (None: it does not).

    `stale`: its original has a newer recording than this translation.
    """

    clip: Clip
    newest: ClipVersion
    on_air: ClipVersion | None
    stale: bool = False


def approve(
    session: Session, actor: Actor, clip_id: str, now: datetime, note: str = ""
) -> ClipVersion:
    """The newest version may air. Raises NotAllowed where its author may not decide."""
    clip, version = _newest(session, actor, clip_id, Action.APPROVE)
    if version.status == Approval.APPROVED:
        return version
    refuse_author(actor, version.created_by, policy_of(session, clip.area_id))
    if version.valid_until is not None and version.valid_until <= now:
        raise Conflict(
            "clip_expired",
            "Tệp âm thanh đã hết hạn dùng: hãy tải bản mới lên rồi duyệt.",
            "The clip has expired: upload a new version and approve that.",
        )
    return _decided(session, actor, clip, version, Approval.APPROVED, now, note)


def reject(
    session: Session, actor: Actor, clip_id: str, now: datetime, note: str = ""
) -> ClipVersion:
    """The newest version goes back to its author. Raises Conflict when it is not pending."""
    clip, version = _newest(session, actor, clip_id, Action.APPROVE)
    if version.status == Approval.REJECTED:
        return version
    if version.status != Approval.PENDING:
        raise Conflict(
            "not_pending",
            "Tệp này không còn chờ duyệt: muốn ngừng phát, hãy thu hồi tệp.",
            "This clip is not waiting for a decision: to take it off the air, withdraw it.",
        )
    return _decided(session, actor, clip, version, Approval.REJECTED, now, note)


def withdraw(
    session: Session, actor: Actor, clip_id: str, now: datetime, note: str = ""
) -> ClipVersion:
    """Every version falls silent at once; a new version can be uploaded and approved later.

    A programme in which it sounds just now is stopped: nodes are told as of a cancelled emergency.
    """
    clip, newest = _newest(session, actor, clip_id, Action.APPROVE)
    sounding = areas_sounding(session, clip.id, now) if _on_air(clip) else []
    for version in clip.versions:
        if version.status in (Approval.APPROVED, Approval.PENDING):
            _decided(session, actor, clip, version, Approval.WITHDRAWN, now, note)
    if sounding:
        commands.ask(session, CommandKind.AREA_STATE_CHANGED, {"area_ids": sounding}, actor, now)
    return newest


def get(session: Session, actor: Actor, clip_id: str) -> Clip:
    """A clip the actor may use: of their areas, or shared from an area above."""
    clip = session.get(Clip, clip_id)
    require_role(actor, Action.VIEW)
    if clip is None or not may_use(session, actor, clip):
        raise NotFound("clip")
    return clip


def may_use(session: Session, actor: Actor, clip: Clip) -> bool:
    """Whether it is of the actor's areas, or shared from an area above."""
    shared = areas.reaching(session, actor)
    return shared is None or clip.area_id is None or clip.area_id in shared


def view(session: Session, clip: Clip, now: datetime) -> ClipView:
    """One clip as pages show it."""
    return views(session, [clip], now)[0]


def views(session: Session, found: list[Clip], now: datetime) -> list[ClipView]:
    """Several at once, with a fixed number of queries."""
    ids = {clip.id for clip in found}
    originals = {clip.translation_of for clip in found if clip.translation_of}
    newest = newest_of(session, ids)
    standing = standing_of(session, ids | originals)
    on_air = airable_of(session, ids, now)
    return [
        ClipView(
            clip=clip,
            newest=newest[clip.id],
            on_air=on_air[clip.id][0] if on_air[clip.id] else None,
            stale=recorded_anew(standing.get(clip.translation_of or ""), standing.get(clip.id)),
        )
        for clip in found
    ]


def page(
    session: Session,
    actor: Actor,
    filters: ClipFilters,
    *,
    now: datetime,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[ClipView]:
    """Newest first; clips of the actor's areas and those shared from above."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = _filtered(session, actor, filters)
    if filters.q:
        query = query.where(Clip.id.in_(_ids_matching(session, query, filters.q)))
    key = (Clip.created_at, Clip.id)
    if cursor:
        query = query.where(beyond(key, cursor, descending=True))
    query = query.order_by(*(column.desc() for column in key)).limit(limit + 1)
    found = page_of(session.scalars(query).all(), limit, lambda clip: (clip.created_at, clip.id))
    return Page(views(session, found.items, now), found.next_cursor)


def found(session: Session, actor: Actor, filters: ClipFilters) -> list[Clip]:
    """All at once, for whoever puts them in an order that no database knows."""
    require_role(actor, Action.VIEW)
    query = _filtered(session, actor, filters)
    if filters.q:
        query = query.where(Clip.id.in_(_ids_matching(session, query, filters.q)))
    return list(session.scalars(query))


def policy_of(session: Session, area_id: str | None) -> Policy:
    """The policy a clip of that area is under; what belongs to no area has the defaults."""
    return areas.effective(session, area_id).policy if area_id else Policy()


def refuse_author(
    actor: Actor, author_id: str | None, policy: Policy, *, for_two: bool = False
) -> None:
    """Raise NotAllowed when policy wants another person than the author to decide.

    `for_two`: it does, whatever it says of ordinary things.
    """
    if actor.user_id is None or (policy.approval.author_may_approve and not for_two):
        return
    if author_id == actor.user_id:
        raise NotAllowed(
            "author_may_not_approve",
            "Quy định của địa bàn cần người khác duyệt: người tạo không được tự duyệt.",
            "The area's rules want another person to approve: the author may not.",
        )


def _filtered(session: Session, actor: Actor, filters: ClipFilters) -> Select[Clip]:
    query = select(Clip)
    shared = areas.reaching(session, actor)
    if shared is not None:
        query = query.where(_in_or_common(shared))
    if filters.area_id is not None:
        require(session, actor, Action.VIEW, filters.area_id)
        query = query.where(Clip.area_id.in_(below(session, [filters.area_id])))
    if filters.topic is not None:
        query = query.where(Clip.topic == filters.topic)
    if filters.language is not None:
        query = query.where(Clip.language == filters.language)
    if filters.status is not None:
        query = query.join(ClipVersion).where(is_newest(), ClipVersion.status == filters.status)
    return query


def is_newest() -> ColumnElement[bool]:
    """The condition for the newest version of a clip joined with its versions."""
    each = aliased(ClipVersion)
    last = select(func.max(each.version)).where(each.clip_id == Clip.id).correlate(Clip)
    return ClipVersion.version == last.scalar_subquery()


def _in_or_common(shared: frozenset[str]) -> ColumnElement[bool]:
    return or_(Clip.area_id.is_(None), Clip.area_id.in_(shared))


def _ids_matching(session: Session, query: Select[Clip], q: str) -> list[str]:
    # Databases fold accents each in their own way or not at all; a library has a few thousand
    # titles, so they are compared here.
    columns = query.with_only_columns(Clip.id, Clip.title, Clip.app, Clip.audience)
    return [row[0] for row in session.execute(columns) if matches(q, *row[1:])]


def _newest(
    session: Session, actor: Actor, clip_id: str, action: Action
) -> tuple[Clip, ClipVersion]:
    clip = get(session, actor, clip_id)
    require(session, actor, action, clip.area_id)
    return clip, clip.versions[-1]


def _on_air(clip: Clip) -> bool:
    return any(version.status == Approval.APPROVED for version in clip.versions)


def _decided(
    session: Session,
    actor: Actor,
    clip: Clip,
    version: ClipVersion,
    status: Approval,
    now: datetime,
    note: str,
) -> ClipVersion:
    version.status = status
    version.decided_by, version.decided_at = actor.user_id, now
    version.decision_note = note or None
    session.flush()
    detail = {"version": version.version, "note": note}
    verb = {Approval.APPROVED: "approve", Approval.REJECTED: "reject"}.get(status, "withdraw")
    audit.record(session, actor, f"clip.{verb}", "clip", clip.id, clip.area_id, now, detail)
    changes.note(session, "clip", clip.id, clip.area_id, now)
    touched = rechecks.expand_for_clip(session, clip.id, now)
    if clip.ready_since is not None and clip.area_id is not None:
        touched = sorted({*touched, clip.area_id})
    everywhere = clip.ready_since is not None and clip.area_id is None
    body = {"clip_id": clip.id, "area_ids": None if everywhere else touched}
    commands.ask(session, CommandKind.CLIP_CHANGED, body, actor, now)
    return version
