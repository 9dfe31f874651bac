"""Adding and changing areas; what is planned is rechecked where rules, hours or words changed."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audio_library.tune_names import TUNES
from controller import changes as live
from controller import commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, below, require
from controller.calendar.policy import Policy
from controller.calendar.wall import zone
from controller.commands import CommandKind
from controller.errors import BadInput
from controller.languages import checked_languages
from controller.models import Area
from controller.planning import rechecks
from controller.territory import areas

# What decides which airings sound below, when, and how long.
_GOVERN = {"parent_id", "timezone", "policy", "languages", "group"}


@dataclass(frozen=True, slots=True)
class AreaInput:
    """A new area. What is None comes from the area above; `policy` and `group` as in the API."""

    name: str
    kind: str
    code: str | None = None
    parent_id: str | None = None
    timezone: str | None = None
    languages: list[str] | None = None
    policy: dict[str, Any] | None = None
    group: dict[str, Any] | None = None


def create(session: Session, actor: Actor, data: AreaInput, now: datetime) -> Area:
    """A new area; a root only by an administrator of everywhere. Raises BadInput."""
    require(session, actor, Action.ADMINISTER, data.parent_id)
    if data.parent_id is not None:
        areas.known(session, data.parent_id)
    _check(session, asdict(data), own_id=None)
    area = Area(created_at=now, **{**asdict(data), "name": data.name.strip()})
    session.add(area)
    session.flush()
    _told(session, actor, "area.create", area, now)
    if data.policy:
        rechecks.recheck(session, [area.id], now)  # its rules may forbid what airs above it
    return area


def update(
    session: Session, actor: Actor, area_id: str, changes: dict[str, Any], now: datetime
) -> Area:
    """`changes`: field of AreaInput → new value. Raises BadInput, also for a move into itself."""
    area = change(session, actor, area_id, changes, now)
    if set(changes) & _GOVERN:
        only_group = not set(changes) & (_GOVERN - {"group"})
        rechecks.recheck(session, [area.id], now, with_outro=only_group)
    return area


def change(
    session: Session, actor: Actor, area_id: str, changes: dict[str, Any], now: datetime
) -> Area:
    """`update` for who changes many areas: call `rechecks.recheck` for them at the end."""
    area = areas.get(session, actor, area_id, Action.ADMINISTER)
    unknown = set(changes) - {field.name for field in fields(AreaInput)}
    if unknown:
        raise _bad(min(unknown))
    parent_id = changes.get("parent_id", area.parent_id)
    if parent_id != area.parent_id:
        _may_move(session, actor, area, parent_id)
    _check(session, changes, own_id=area.id)
    before = {name: getattr(area, name) for name in changes}
    old_path = areas.path(session, area.id)
    for name, value in changes.items():
        setattr(area, name, value)
    session.flush()
    _told(session, actor, "area.update", area, now, {"before": before, "after": changes})
    if set(changes) & _GOVERN:
        touched = sorted({*below(session, [area.id]), *old_path, *areas.path(session, area.id)})
        body = {"area_ids": touched, "configs": True}  # languages and hours of the node's own
        commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, actor, now)
    return area


def _check(session: Session, values: dict[str, Any], own_id: str | None) -> None:
    for name in ("name", "kind"):
        if name in values and not str(values[name] or "").strip():
            raise _bad(name)
    if values.get("timezone"):
        zone(values["timezone"])
    if values.get("languages") is not None:
        checked_languages(values["languages"], "languages")
    tunes = Policy.from_json(values.get("policy")).tunes
    if not set(tunes.values()).issubset(TUNES):
        raise _bad("policy.tunes")
    if values.get("group") is not None and not isinstance(values["group"], dict):
        raise _bad("group")
    if values.get("code"):
        same = select(Area.id).where(Area.code == values["code"], Area.id != (own_id or ""))
        if session.scalar(same):
            raise BadInput(
                {
                    "code": (
                        f"Mã đơn vị {values['code']} đã có: hãy ghi mã khác.",
                        f"The unit code {values['code']} is taken: enter another.",
                    )
                }
            )


def _may_move(session: Session, actor: Actor, area: Area, parent_id: str | None) -> None:
    require(session, actor, Action.ADMINISTER, parent_id)
    if parent_id is not None:
        areas.known(session, parent_id)
        if parent_id in below(session, [area.id]):
            raise BadInput(
                {
                    "parent_id": (
                        "Không thể đặt địa bàn vào chính nó hoặc cấp dưới của nó.",
                        "An area cannot be put into itself or an area below it.",
                    )
                }
            )


def _told(
    session: Session,
    actor: Actor,
    action: str,
    area: Area,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    audit.record(session, actor, action, "area", area.id, area.id, now, detail)
    live.note(session, "area", area.id, area.id, now)


def _bad(name: str) -> BadInput:
    return BadInput(
        {
            name: (
                f"Mục «{name}» của địa bàn còn trống hoặc chưa đúng: hãy điền lại.",
                f"The area's '{name}' is empty or not understood: fill it in again.",
            )
        }
    )
