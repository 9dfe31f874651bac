"""Ready-made messages: approved clips that every node keeps, so that an emergency is at once.

Such a clip travels in the document of the area it belongs to (of every root, when it belongs to
none), beside the alert and drill tones. A node fetches it before anything that is only due to air,
and never drops it to make room.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, require
from controller.commands import CommandKind
from controller.emergency.emergencies import ALERT_TUNE, DRILL_TUNE
from controller.errors import Conflict
from controller.library import clips
from controller.models import Area, Clip, Tune
from protocol.messages import PinnedSound


def keep(session: Session, actor: Actor, clip_id: str, now: datetime) -> Clip:
    """Make a clip a ready-made message. Raises Conflict when no version of it may sound."""
    clip = _mine(session, actor, clip_id)
    if clips.airable(session, clip.id, now) is None:
        raise Conflict(
            "not_approved",
            "Bản tin này chưa được duyệt: hãy duyệt trước khi làm sẵn cho khẩn cấp.",
            "This clip is not approved: approve it before it is kept ready for emergencies.",
        )
    clip.ready_since = clip.ready_since or now
    _told(session, actor, "clip.ready", clip, now)
    return clip


def let_go(session: Session, actor: Actor, clip_id: str, now: datetime) -> Clip:
    """It is an ordinary clip again; nodes drop it when they need the room."""
    clip = _mine(session, actor, clip_id)
    clip.ready_since = None
    _told(session, actor, "clip.not_ready", clip, now)
    return clip


def sounds(session: Session, area_id: str, now: datetime) -> tuple[PinnedSound, ...]:
    """What the nodes below an area keep on its account."""
    area = session.get(Area, area_id)
    is_root = area is not None and area.parent_id is None
    here = (
        (Clip.area_id == area_id) | Clip.area_id.is_(None) if is_root else Clip.area_id == area_id
    )
    query = select(Clip.id).where(here, Clip.ready_since.is_not(None)).order_by(Clip.id)
    versions = [clips.airable(session, clip_id, now) for clip_id in session.scalars(query)]
    kept = [PinnedSound(each.sha256, each.bytes) for each in versions if each is not None]
    if not is_root:
        return tuple(kept)
    tones = session.scalars(
        select(Tune).where(Tune.name.in_((ALERT_TUNE, DRILL_TUNE))).order_by(Tune.name)
    )
    return (*(PinnedSound(tone.sha256, tone.bytes) for tone in tones), *kept)


def areas_of(session: Session, clip: Clip) -> Sequence[str]:
    """The areas whose documents name it."""
    if clip.ready_since is None:
        return []
    return _places(session, clip)


def _places(session: Session, clip: Clip) -> Sequence[str]:
    if clip.area_id is not None:
        return [clip.area_id]
    return list(session.scalars(select(Area.id).where(Area.parent_id.is_(None))))


def _mine(session: Session, actor: Actor, clip_id: str) -> Clip:
    clip = clips.get(session, actor, clip_id)
    require(session, actor, Action.APPROVE, clip.area_id)
    return clip


def _told(session: Session, actor: Actor, action: str, clip: Clip, now: datetime) -> None:
    audit.record(session, actor, action, "clip", clip.id, clip.area_id, now)
    changes.note(session, "clip", clip.id, clip.area_id, now)
    body = {"clip_id": clip.id, "area_ids": list(_places(session, clip))}
    commands.ask(session, CommandKind.CLIP_CHANGED, body, actor, now)
