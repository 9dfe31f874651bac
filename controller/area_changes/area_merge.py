"""Units merge and split; history survives.

A merged area is closed, never deleted: rows that name it stay readable. What lies ahead (nodes,
areas below, schedules, clips, people) passes to the area it went into; what has begun keeps its
targets.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.commands import CommandKind
from controller.errors import BadInput
from controller.fleet import nodes
from controller.models import (
    Airing,
    AiringArea,
    Approval,
    Area,
    Clip,
    NodeMembership,
    Schedule,
    ScheduleArea,
    User,
    UserArea,
)
from controller.planning import airings, rechecks
from controller.territory import areas
from controller.upsert import insert_missing


def merge(
    session: Session, actor: Actor, area_ids: Sequence[str], into_id: str, now: datetime
) -> Area:
    """Close these areas; everything of theirs that lies ahead belongs to `into_id` from now on.

    Raises BadInput when that one is among them, lies below them, or keeps another time zone.
    """
    into = areas.get(session, actor, into_id, Action.ADMINISTER)
    for area_id in dict.fromkeys(area_ids):
        _merge_one(session, actor, area_id, into, now)
    rechecks.recheck(session, [into.id], now)  # two villages' minutes are one village's now
    return into


def split(
    session: Session,
    actor: Actor,
    area_id: str,
    data: AreaInput,
    node_ids: Sequence[str],
    now: datetime,
) -> Area:
    """A new area beside this one takes over some of its nodes.

    Schedules of the old area go on there only; those of areas above reach both.
    """
    old = areas.get(session, actor, area_id, Action.ADMINISTER)
    new = area_edits.create(session, actor, _beside(data, old), now)
    belonged = nodes.areas_of(session, list(node_ids), now)
    strangers = [node_id for node_id in node_ids if belonged.get(node_id) != area_id]
    if strangers:
        raise _bad(
            "node_ids",
            "Có cụm loa không thuộc địa bàn này: hãy chọn lại.",
            "One of the nodes does not belong to this area: choose again.",
        )
    for node_id in node_ids:
        nodes.update(session, actor, node_id, {"area_id": new.id}, now)
    audit.record(session, actor, "area.split", "area", old.id, old.id, now, {"new": new.id})
    return new


def _merge_one(session: Session, actor: Actor, area_id: str, into: Area, now: datetime) -> None:
    area = areas.get(session, actor, area_id, Action.ADMINISTER)
    _refuse_loop(session, area, into)
    inside = areas.subtree(session, [area.id])
    touched = {*inside, *areas.path(session, area.id), *areas.path(session, into.id)}
    children = _children(session, area.id)
    _keep_targets(session, area.id, children, now)
    for child in children:
        child.parent_id = into.id
    moved = _move_nodes(session, area.id, into.id, now)
    schedules = _move_schedules(session, area.id, into.id)
    for table in (Clip, User):
        session.execute(update(table).where(table.area_id == area.id).values(area_id=into.id))
    _move_servants(session, area.id, into.id)
    area.closed_at = now
    session.flush()
    for schedule in schedules:
        if schedule.status == Approval.APPROVED and schedule.deleted_at is None:
            airings.expand(session, schedule, now)
    below = {n.id for n in nodes.nodes_in(session, [c.id for c in children], now)}
    for node_id in sorted({*moved, *below}):
        commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": node_id}, actor, now)
    body = {"area_ids": sorted(touched)}
    commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, actor, now)
    detail = {"into": into.id, "nodes": len(moved), "areas": [child.id for child in children]}
    audit.record(session, actor, "area.merge", "area", area.id, into.id, now, detail)
    for changed in (area.id, into.id):
        changes.note(session, "area", changed, into.id, now)


def _refuse_loop(session: Session, area: Area, into: Area) -> None:
    if into.id in areas.subtree(session, [area.id]) or into.closed_at is not None:
        raise _bad(
            "into_id",
            "Không thể sáp nhập một địa bàn vào chính nó hoặc vào cấp dưới của nó.",
            "An area cannot be merged into itself, an area below it, or a closed one.",
        )
    zones = {areas.effective(session, each).timezone for each in (area.id, into.id)}
    if len(zones) > 1:
        raise _bad(
            "into_id",
            "Hai địa bàn có múi giờ khác nhau nên không sáp nhập được.",
            "Areas of different time zones cannot be merged.",
        )


def _children(session: Session, area_id: str) -> list[Area]:
    query = select(Area).where(Area.parent_id == area_id, Area.closed_at.is_(None))
    return list(session.scalars(query.order_by(Area.id)))


def _keep_targets(session: Session, area_id: str, children: Sequence[Area], now: datetime) -> None:
    """Airings on the air or not yet accounted for go on naming the areas that leave the tree."""
    query = (
        select(AiringArea.airing_id)
        .join(Airing)
        .where(AiringArea.area_id == area_id, Airing.starts_at <= now, Airing.settled_at.is_(None))
    )
    rows = [
        {"airing_id": airing_id, "area_id": child.id}
        for airing_id in session.scalars(query).all()
        for child in children
    ]
    insert_missing(session, AiringArea, rows)


def _move_nodes(session: Session, area_id: str, into_id: str, now: datetime) -> list[str]:
    query = select(NodeMembership.node_id).where(
        NodeMembership.area_id == area_id, NodeMembership.until_at.is_(None)
    )
    moved = list(session.scalars(query))
    for node_id in moved:
        nodes.move(session, node_id, into_id, now)
    return moved


def _move_servants(session: Session, area_id: str, into_id: str) -> None:
    """Who served the closed area beside their own serves the one it went into, once."""
    for row in session.scalars(select(UserArea).where(UserArea.area_id == area_id)).all():
        user = session.get_one(User, row.user_id)
        session.refresh(user)
        rest = dict.fromkeys(into_id if each == area_id else each for each in user.area_ids[1:])
        user.also = [UserArea(area_id=each) for each in rest if each != user.area_id]
        session.flush()


def _move_schedules(session: Session, area_id: str, into_id: str) -> list[Schedule]:
    query = (
        select(Schedule)
        .join(ScheduleArea)
        .where(ScheduleArea.area_id == area_id, Schedule.deleted_at.is_(None))
    )
    found = list(session.scalars(query))
    for schedule in found:
        ids = {area.area_id for area in schedule.areas} - {area_id} | {into_id}
        schedule.areas.clear()
        session.flush()
        schedule.areas = [ScheduleArea(area_id=each) for each in sorted(ids)]
    return found


def _beside(data: AreaInput, old: Area) -> AreaInput:
    return AreaInput(
        name=data.name,
        kind=data.kind,
        code=data.code,
        parent_id=old.parent_id,
        timezone=data.timezone or old.timezone,
        languages=data.languages or old.languages,
        policy=data.policy or old.policy,
        group=data.group,
    )


def _bad(field: str, vi: str, en: str) -> BadInput:
    return BadInput({field: (vi, en)})
