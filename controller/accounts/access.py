"""Who may do what, and where: by role, inside the user's own area and all below it.

Every function of the controller that takes an `Actor` asks here first. What lies outside the
actor's areas looks as if it did not exist.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.errors import NotAllowed, NotFound
from controller.models import Area, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `area_id` None: everywhere; `user_id` None: the program itself.

    `also`: further areas they serve with the same role.
    """

    user_id: str | None
    name: str
    role: Role
    area_id: str | None = None
    language: str = "vi"
    also: tuple[str, ...] = ()

    @property
    def area_ids(self) -> tuple[str, ...]:
        """Every area they serve, their own first; none: everywhere."""
        return () if self.area_id is None else (self.area_id, *self.also)


SYSTEM = Actor(user_id=None, name="loalang", role=Role.ADMINISTRATOR)


class Action(StrEnum):
    """What is asked for."""

    VIEW = "view"
    FEEDBACK = "feedback"
    UPLOAD = "upload"
    SCHEDULE = "schedule"
    APPROVE = "approve"
    OPERATE = "operate"  # nodes: enrol, mute, swap
    HUSH = "hush"  # an area: nothing but emergencies until a time
    ADMINISTER = "administer"


_EDITOR = frozenset({Action.VIEW, Action.FEEDBACK, Action.UPLOAD, Action.SCHEDULE, Action.HUSH})
_MAY: dict[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset({Action.VIEW}),
    Role.VILLAGE_HEAD: frozenset({Action.VIEW, Action.FEEDBACK, Action.HUSH}),
    Role.EDITOR: _EDITOR,
    Role.APPROVER: _EDITOR | {Action.APPROVE},
    Role.TECHNICIAN: frozenset({Action.VIEW, Action.OPERATE}),
    Role.ADMINISTRATOR: frozenset(Action),
}


def may(actor: Actor, action: Action) -> bool:
    """Whether the actor's role allows the action anywhere at all."""
    return action in _MAY[actor.role]


def require(session: Session, actor: Actor, action: Action, area_id: str | None) -> None:
    """Raise NotFound outside the actor's areas, NotAllowed when the role is too small.

    `area_id` None stands for what belongs to no area: only an actor of everywhere reaches it.
    """
    areas = visible_areas(session, actor)
    if areas is not None and area_id not in areas:
        raise NotFound("area")
    require_role(actor, action)


def require_role(actor: Actor, action: Action) -> None:
    """Raise NotAllowed when the actor's role does not allow the action anywhere."""
    if not may(actor, action):
        raise NotAllowed(
            "role_too_small",
            "Tài khoản của bạn chưa được giao việc này. Hãy nhờ người quản trị cấp quyền.",
            "Your account may not do this. Ask an administrator for the right.",
        )


def visible_areas(session: Session, actor: Actor) -> frozenset[str] | None:
    """The ids of the actor's areas and all below them; None for everywhere."""
    if actor.area_id is None:
        return None
    return below(session, list(actor.area_ids))


def below(session: Session, area_ids: list[str]) -> frozenset[str]:
    """These areas and all below them, in one recursive query."""
    roots = select(Area.id).where(Area.id.in_(area_ids)).cte("below", recursive=True)
    tree = roots.union(select(Area.id).join(roots, Area.parent_id == roots.c.id))
    return frozenset(session.scalars(select(tree.c.id)))
