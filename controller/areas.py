"""Areas: the tree of administrative units, and what each inherits from those above it."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, literal_column, select
from sqlalchemy.orm import Session

from audio_library.tune_names import TUNES
from controller import audit, changes, commands
from controller.access import Action, Actor, below, require, require_role, visible_areas
from controller.calendar.policy import Policy, inherit
from controller.calendar.wall import zone
from controller.commands import CommandKind
from controller.errors import BadInput, NotFound
from controller.languages import checked_languages
from controller.models import Area
from controller.paging import Page, beyond, limited, page_of

DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"
DEFAULT_LANGUAGES = ("vi",)
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


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds in an area, inherited key by key from the areas above."""

    timezone: str
    languages: tuple[str, ...]
    policy: Policy


def create(session: Session, actor: Actor, data: AreaInput, now: datetime) -> Area:
    """A new area; a root only by an administrator of everywhere. Raises BadInput."""
    require(session, actor, Action.ADMINISTER, data.parent_id)
    if data.parent_id is not None:
        _known(session, data.parent_id)
    _check(session, asdict(data), own_id=None)
    area = Area(created_at=now, **{**asdict(data), "name": data.name.strip()})
    session.add(area)
    session.flush()
    _told(session, actor, "area.create", area, now)
    if data.policy:
        from controller import airings  # they look areas up; only here is it the other way round

        airings.recheck(session, [area.id], now)  # its rules may forbid what airs above it
    return area


def update(
    session: Session, actor: Actor, area_id: str, changes: dict[str, Any], now: datetime
) -> Area:
    """`changes`: field of AreaInput → new value. Raises BadInput, also for a move into itself."""
    area = change(session, actor, area_id, changes, now)
    if set(changes) & _GOVERN:
        from controller import airings  # they look areas up; only here is it the other way round

        only_group = not set(changes) & (_GOVERN - {"group"})
        airings.recheck(session, [area.id], now, with_outro=only_group)
    return area


def change(
    session: Session, actor: Actor, area_id: str, changes: dict[str, Any], now: datetime
) -> Area:
    """`update` for who changes many areas: call `airings.recheck` for them at the end."""
    area = get(session, actor, area_id, Action.ADMINISTER)
    unknown = set(changes) - {field.name for field in fields(AreaInput)}
    if unknown:
        raise _bad(min(unknown))
    parent_id = changes.get("parent_id", area.parent_id)
    if parent_id != area.parent_id:
        _may_move(session, actor, area, parent_id)
    _check(session, changes, own_id=area.id)
    before = {name: getattr(area, name) for name in changes}
    old_path = path(session, area.id)
    for name, value in changes.items():
        setattr(area, name, value)
    session.flush()
    _told(session, actor, "area.update", area, now, {"before": before, "after": changes})
    if set(changes) & _GOVERN:
        touched = sorted({*below(session, [area.id]), *old_path, *path(session, area.id)})
        body = {"area_ids": touched, "configs": True}  # languages and hours of the node's own
        commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, actor, now)
    return area


def get(session: Session, actor: Actor, area_id: str, action: Action = Action.VIEW) -> Area:
    """The area, within the actor's own. Raises NotFound, NotAllowed."""
    require(session, actor, action, area_id)
    return _known(session, area_id)


def page(
    session: Session, actor: Actor, *, limit: int | None = None, cursor: str | None = None
) -> Page[Area]:
    """Open areas within the actor's own, by name."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(Area).where(Area.closed_at.is_(None))
    own = visible_areas(session, actor)
    if own is not None:
        query = query.where(Area.id.in_(own))
    if cursor:
        query = query.where(beyond([Area.name, Area.id], cursor))
    rows = session.scalars(query.order_by(Area.name, Area.id).limit(limit + 1)).all()
    return page_of(rows, limit, lambda area: (area.name, area.id))


def path(session: Session, area_id: str) -> tuple[str, ...]:
    """The ids from the root to this area; empty when there is no such area."""
    steps = literal_column("0", Integer).label("steps")
    up = select(Area.id, Area.parent_id, steps).where(Area.id == area_id).cte("up", recursive=True)
    step = select(Area.id, Area.parent_id, up.c.steps + 1).join(up, Area.id == up.c.parent_id)
    up = up.union_all(step)
    return tuple(session.scalars(select(up.c.id).order_by(up.c.steps.desc())))


def reaching(session: Session, actor: Actor) -> frozenset[str] | None:
    """What concerns the actor: their areas, all below, and those above; None for everywhere."""
    own = visible_areas(session, actor)
    if own is None:
        return None
    return own.union(*(path(session, area_id) for area_id in actor.area_ids))


def subtree(session: Session, area_ids: Iterable[str]) -> frozenset[str]:
    """These areas and all below them."""
    return below(session, list(area_ids))


def effective(session: Session, area_id: str) -> Effective:
    """What holds in an area. Raises NotFound."""
    ids = path(session, area_id)
    if not ids:
        raise NotFound("area")
    known = {area.id: area for area in session.scalars(select(Area).where(Area.id.in_(ids)))}
    return inherited([known[each] for each in ids])


def inherited(from_root: Collection[Area]) -> Effective:
    """What holds at the end of a path of areas, root first."""
    policy: dict[str, Any] = {}
    timezone, languages = DEFAULT_TIMEZONE, DEFAULT_LANGUAGES
    for area in from_root:
        policy = inherit(policy, area.policy)
        timezone = area.timezone or timezone
        languages = tuple(area.languages) if area.languages else languages
    return Effective(timezone, languages, Policy.from_json(policy))


def _known(session: Session, area_id: str) -> Area:
    area = session.get(Area, area_id)
    if area is None:
        raise NotFound("area")
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
        _known(session, parent_id)
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
    changes.note(session, "area", area.id, area.id, now)


def _bad(name: str) -> BadInput:
    return BadInput(
        {
            name: (
                f"Mục «{name}» của địa bàn còn trống hoặc chưa đúng: hãy điền lại.",
                f"The area's '{name}' is empty or not understood: fill it in again.",
            )
        }
    )
