"""What stands around every page: the unit's name, where one can go, who is signed in."""

from dataclasses import dataclass

from flask import Flask, g, request
from sqlalchemy import select

from controller import database
from controller.accounts.access import Action, Actor, may
from controller.api.here import services
from controller.models import Area
from web.i18n import _
from web.sessions import signed_in


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation. `tab`: it also stands in the phone's bottom bar."""

    endpoint: str
    icon: str
    label: str
    tab: bool
    here: bool


def install(app: Flask) -> None:
    """Give every template the shell and a way to ask for rights."""
    app.context_processor(
        lambda: {"actor": signed_in(), "unit_name": unit_name, "navigation": places, "can": can}
    )


def can(action: str) -> bool:
    """Whether the visitor's role allows the action."""
    actor = signed_in()
    return actor is not None and may(actor, Action(action))


def unit_name() -> str:
    """The visitor's area, or the product's name for who is everywhere or nowhere."""
    if "unit_name" not in g:
        g.unit_name = _unit_name(signed_in())
    return str(g.unit_name)


def places() -> list[Place]:
    """Where the visitor can go, in order."""
    actor = signed_in()
    # A village head has a page of their own in place of the library, which others keep.
    head = actor is not None and actor.role == "village_head"
    rows = [
        ("today.page", "home", _("Hôm nay"), True, "view"),
        ("village.page", "people", _("Thôn tôi"), head, "view"),
        ("week.page", "calendar", _("Lịch phát"), True, "view"),
        ("library.page", "bulletin", _("Bản tin"), not head, "view"),
        ("nodes.page", "speaker", _("Cụm loa"), True, "view"),
        ("log.page", "log", _("Nhật ký"), True, "view"),
        ("approvals.page", "approve", _("Duyệt"), False, "approve"),
        ("reports.page", "chart", _("Báo cáo"), False, "view"),
        ("users.page", "person", _("Người dùng"), False, "administer"),
        ("settings.page", "gear", _("Cài đặt"), False, "administer"),
    ]
    return [
        Place(endpoint, icon, label, tab, _is_here(endpoint))
        for endpoint, icon, label, tab, action in rows
        if can(action)
    ]


def _is_here(endpoint: str) -> bool:
    room = endpoint.partition(".")[0]
    rooms = {
        "week": ("week", "schedules", "broadcast", "copying"),
        "library": ("library", "editor"),
    }.get(room, (room,))
    return request.blueprint in rooms


def _unit_name(actor: Actor | None) -> str:
    if actor is None:
        return "Loa Làng"
    with database.reading(services().engine) as session:
        if actor.area_id:
            return session.get_one(Area, actor.area_id).name
        roots = select(Area.name).where(Area.parent_id.is_(None), Area.closed_at.is_(None))
        names = session.scalars(roots.limit(2)).all()
    return names[0] if len(names) == 1 else "Loa Làng"
