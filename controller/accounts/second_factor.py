"""The second factor: a code from the user's own phone, and recovery codes on paper.

Turned on by its owner, who proves that the phone shows the right code. A code counts once; a lost
phone is replaced by a recovery code, or by an administrator who turns the factor off. Whether
approvers and administrators must have one is a setting. Secrets lie in the database locked away
(controller.keys.factor_box).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from controller.accounts import audit, people, totp
from controller.accounts.access import Action, Actor, may, require, require_role, visible_areas
from controller.errors import BadInput, NotAllowed, NotFound
from controller.keys.factor_box import FactorBox, is_locked
from controller.models import Area, Role, SecondFactor, Setting, User

ROLES: Final = (Role.APPROVER, Role.ADMINISTRATOR)
_RECOVERY_CODES: Final = 10
_SETTING: Final = "second_factor"
# No letters that read alike on paper.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class State:
    """How a user stands: `on` since when, codes on paper left, and whether the rules want one."""

    on: bool
    since: datetime | None
    codes_left: int
    wanted: bool


def state(session: Session, user: User) -> State:
    """A user's own factor."""
    row = session.get(SecondFactor, user.id)
    on = row is not None and row.confirmed_at is not None
    left = len(row.recovery) if row is not None and on else 0
    since = row.confirmed_at if row is not None else None
    return State(on, since, left, required(session) and user.role in ROLES)


def is_on(session: Session, user_id: str) -> bool:
    """Whether signing in asks this user for a code."""
    row = session.get(SecondFactor, user_id)
    return row is not None and row.confirmed_at is not None


def begin(session: Session, box: FactorBox, user: User) -> str:
    """The secret to put into the phone; one that waits already stays the same."""
    row = session.get(SecondFactor, user.id)
    waiting = box.open(row.secret, user.id) if row is not None else None
    if waiting is not None:
        return waiting
    secret = totp.new_secret()
    if row is None:
        row = SecondFactor(user_id=user.id, last_step=0, recovery=[])
        session.add(row)
    row.secret = box.lock(secret, user.id)
    session.flush()
    return secret


def confirm(session: Session, box: FactorBox, user: User, given: str, now: datetime) -> list[str]:
    """Turn it on: the phone shows the right code. Returns the recovery codes, shown once."""
    row = session.get(SecondFactor, user.id)
    step = _matching_step(box, row, _plain(given), now) if row else None
    if row is None or step is None:
        raise wrong_code()
    row.last_step, row.confirmed_at = step, row.confirmed_at or now
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(_RECOVERY_CODES)]
    row.recovery = [people.secret_hash(each) for each in codes]
    actor = people.actor_of(user)
    audit.record(session, actor, "user.factor_on", "user", user.id, user.area_id, now)
    return [f"{each[:5]}-{each[5:]}" for each in codes]


def check(session: Session, box: FactorBox, user_id: str, given: str, now: datetime) -> bool:
    """Whether the code is right; a code and a recovery code count once."""
    row = session.get(SecondFactor, user_id, with_for_update=True)
    if row is None or row.confirmed_at is None:
        return False
    step = _matching_step(box, row, _plain(given), now)
    if step is not None:
        row.last_step = step
        return True
    hashed = people.secret_hash(_plain(given))
    if hashed not in row.recovery:
        return False
    row.recovery = [each for each in row.recovery if each != hashed]
    user = session.get_one(User, user_id)
    audit.record(
        session, people.actor_of(user), "user.recovery", "user", user.id, user.area_id, now
    )
    return True


def lock_all(session: Session, box: FactorBox) -> int:
    """Lock away what an earlier version kept as it is; how many secrets that were."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete=ON"))  # not even in the file's free pages
    open_ones = [row for row in session.scalars(select(SecondFactor)) if not is_locked(row.secret)]
    for row in open_ones:
        row.secret = box.lock(row.secret, row.user_id)
    return len(open_ones)


def turn_off(session: Session, actor: Actor, user_id: str, now: datetime) -> None:
    """For a lost phone, or one's own wish. Ends every session of the user but keeps the password.

    Raises NotFound for somebody outside the actor's areas.
    """
    user = people.get(session, actor, user_id)
    if actor.user_id != user_id:
        require(session, actor, Action.ADMINISTER, user.area_id)
    row = session.get(SecondFactor, user_id)
    if row is None:
        raise NotFound("factor")
    session.delete(row)
    if actor.user_id != user_id:
        user.session_version += 1
    audit.record(session, actor, "user.factor_off", "user", user.id, user.area_id, now)


def required(session: Session) -> bool:
    """Whether approvers and administrators must have one."""
    row = session.get(Setting, _SETTING)
    return bool(row and row.value.get("required"))


def may_rule(session: Session, actor: Actor) -> bool:
    """Whether the actor administers every unit there is: the rule is one for all."""
    own = visible_areas(session, actor)
    others = select(Area.id).where(Area.closed_at.is_(None), Area.id.not_in(own or ()))
    everywhere = own is None or session.scalar(others.limit(1)) is None
    return may(actor, Action.ADMINISTER) and everywhere


def require_it(session: Session, actor: Actor, wanted: bool, now: datetime) -> None:
    """Set the rule for the whole station; only who administers all of it may."""
    require_role(actor, Action.ADMINISTER)
    if not may_rule(session, actor):
        raise NotAllowed(
            "not_everywhere",
            "Quy định này chung cho mọi đơn vị: hãy nhờ quản trị của toàn hệ thống.",
            "This rule holds for all units: ask whoever administers the whole system.",
        )
    row = session.get(Setting, _SETTING)
    if row is None:
        row = Setting(name=_SETTING, value={})
        session.add(row)
    row.value = {"required": wanted}
    audit.record(
        session, actor, "setting.factor", "setting", _SETTING, actor.area_id, now, row.value
    )


def wrong_code() -> BadInput:
    """One sentence for every way in which a code can be wrong."""
    return BadInput(
        {
            "code": (
                "Mã chưa đúng hoặc đã dùng: hãy đợi mã mới trên điện thoại rồi nhập lại.",
                "The code is wrong or used: wait for the next one on your phone and type it.",
            )
        }
    )


def _matching_step(box: FactorBox, row: SecondFactor, given: str, now: datetime) -> int | None:
    secret = box.open(row.secret, row.user_id)
    return totp.matching_step(secret, given, now, row.last_step) if secret else None


def _plain(given: str) -> str:
    return "".join(given.split()).replace("-", "").casefold()[:40]
