"""What an administrator does on the first days: a unit, a cluster, a broadcast; then no more."""

from dataclasses import dataclass

from flask import url_for
from sqlalchemy import Select, select

from controller.accounts.access import Action, may, visible_areas
from controller.api.here import Here
from controller.models import Area, Clip, DeviceBinding, Node, NodeMembership, Schedule, User
from web.i18n import _


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One thing to do, whether it is done, and where."""

    done: bool
    text: str
    address: str


def steps(at: Here) -> list[FirstStep]:
    """In order; none when all is done, or for who does not set up a station."""
    if not may(at.actor, Action.ADMINISTER):
        return []
    own = visible_areas(at.session, at.actor)
    inside = Area.closed_at.is_(None) if own is None else Area.id.in_(own)
    member = select(NodeMembership.node_id).join(Area).where(inside)
    found = [
        FirstStep(
            _some(at, select(Area.id).where(inside, Area.parent_id.is_not(None))),
            _("Thêm xã hoặc phường, rồi các thôn"),
            url_for("settings.page"),
        ),
        FirstStep(
            _some(at, select(User.id).where(User.id != (at.actor.user_id or ""))),
            _("Tạo tài khoản cho người cùng làm"),
            url_for("users.add"),
        ),
        FirstStep(
            _some(at, select(Node.id).where(Node.id.in_(member))),
            _("Thêm cụm loa đầu tiên"),
            url_for("nodes.add"),
        ),
        FirstStep(
            _some(at, select(DeviceBinding.node_id).where(DeviceBinding.node_id.in_(member))),
            _("Ghi mã kích hoạt vào thiết bị rồi cấp điện cho cụm loa"),
            url_for("nodes.page"),
        ),
        FirstStep(
            _some(at, select(Clip.id)),
            _("Tải lên bản tin đầu tiên"),
            url_for("library.add"),
        ),
        FirstStep(
            _some(at, select(Schedule.id)),
            _("Tạo lịch phát đầu tiên"),
            url_for("broadcast.form"),
        ),
    ]
    return [] if all(step.done for step in found) else found


def _some(at: Here, query: Select[str]) -> bool:
    return at.session.scalar(query.limit(1)) is not None
