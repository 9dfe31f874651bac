"""One person for several units: a technician of three communes, a cultural officer of two.

`User.area_id` is where a person belongs; what else they serve is kept beside it, with the same
role. Who changes it administers both the person's other units and the one in question.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import audit
from controller.accounts.access import Action, Actor, require
from controller.accounts.people import get, not_oneself
from controller.errors import BadInput
from controller.models import Area, User, UserArea


def add(session: Session, actor: Actor, user_id: str, area_id: str, now: datetime) -> User:
    """The person serves this area too. Raises NotFound, NotAllowed, BadInput."""
    user = _other(session, actor, user_id)
    require(session, actor, Action.ADMINISTER, area_id)
    area = session.get(Area, area_id)
    if area is None or area.closed_at is not None:
        raise _bad("Hãy chọn một địa bàn đang dùng.", "Choose an area that is in use.")
    if user.area_id is None:
        raise _bad(
            "Tài khoản này đã phụ trách mọi nơi: không cần thêm địa bàn.",
            "This account already serves everywhere: there is nothing to add.",
        )
    if area_id not in user.area_ids:
        user.also.append(UserArea(area_id=area_id))
        _changed(session, actor, user, "user.area_add", area_id, now)
    return user


def remove(session: Session, actor: Actor, user_id: str, area_id: str, now: datetime) -> User:
    """The person no longer serves this area; one must remain. Raises as `add` does."""
    user = _other(session, actor, user_id)
    require(session, actor, Action.ADMINISTER, area_id)
    if area_id not in user.area_ids:
        return user
    rest = [each for each in user.area_ids if each != area_id]
    if not rest:
        raise _bad(
            "Mỗi tài khoản cần ít nhất một địa bàn: hãy thêm nơi khác trước, hoặc khoá tài khoản.",
            "An account needs at least one area: add another first, or lock the account.",
        )
    user.area_id = rest[0]
    user.also = [UserArea(area_id=each) for each in rest[1:]]
    _changed(session, actor, user, "user.area_remove", area_id, now)
    return user


def _other(session: Session, actor: Actor, user_id: str) -> User:
    user = get(session, actor, user_id)
    if user.id == actor.user_id:
        raise not_oneself()
    for area_id in user.area_ids or (None,):
        require(session, actor, Action.ADMINISTER, area_id)
    return user


def _changed(
    session: Session, actor: Actor, user: User, action: str, area_id: str, now: datetime
) -> None:
    user.session_version += 1  # sessions carry the old rights
    session.flush()
    audit.record(session, actor, action, "user", user.id, area_id, now)


def _bad(vi: str, en: str) -> BadInput:
    return BadInput({"area_id": (vi, en)})
