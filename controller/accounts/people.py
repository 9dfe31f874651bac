"""People: users with role and area, and the one-time links through which they set a password.

A new user has no password: whoever made the account hands over a link that works once. Nothing
has a default password. API tokens are in `controller.accounts.tokens`.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from controller.accounts import audit, passwords
from controller.accounts.access import Action, Actor, require, require_role, visible_areas
from controller.errors import BadInput, Conflict, ControllerError, NotAllowed, NotFound
from controller.models import Area, OneTimeLink, Role, User, UserArea
from controller.paging import Page, beyond, limited, page_of

LINK_LASTS: Final = timedelta(days=3)
LANGUAGES: Final = ("vi", "en")
_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


@dataclass(frozen=True, slots=True)
class UserInput:
    """A new user. `area_id` None: everywhere."""

    username: str
    name: str
    role: Role
    area_id: str | None = None
    language: str = "vi"


def create(session: Session, actor: Actor, data: UserInput, now: datetime) -> tuple[User, str]:
    """The user, and the secret of their first one-time link, shown once."""
    _require_over(session, actor, data.area_id)
    username = data.username.strip().casefold()
    _check({"username": username, "name": data.name, "language": data.language})
    if session.scalar(select(User.id).where(User.username == username)):
        raise Conflict(
            "username_taken",
            f"Tên đăng nhập {username} đã có người dùng: hãy chọn tên khác.",
            f"The username {username} is taken: choose another.",
        )
    user = User(
        username=username,
        name=_tidy(data.name),
        role=data.role,
        area_id=data.area_id,
        language=data.language,
        created_at=now,
        also=[],
    )
    session.add(user)
    session.flush()
    audit.record(session, actor, "user.create", "user", user.id, user.area_id, now)
    return user, _link(session, user, now)


def update(
    session: Session, actor: Actor, user_id: str, changes: Mapping[str, Any], now: datetime
) -> User:
    """Change `name`, `role`, `area_id` or `language`; a changed right ends the user's sessions."""
    user = get(session, actor, user_id)
    _require_over_user(session, actor, user)
    _check(changes)
    rights = {"role", "area_id"} & changes.keys()
    if rights and user.id == actor.user_id:
        raise not_oneself()
    if "area_id" in changes:
        _require_over(session, actor, changes["area_id"])
        user.also = [a for a in user.also if changes["area_id"] not in (None, a.area_id)]
    for name in {"name", "role", "area_id", "language"} & changes.keys():
        setattr(user, name, _tidy(changes[name]) if name == "name" else changes[name])
    if rights:
        user.session_version += 1
    audit.record(
        session, actor, "user.update", "user", user.id, user.area_id, now, {"fields": [*changes]}
    )
    return user


def get(session: Session, actor: Actor, user_id: str) -> User:
    """A user within the actor's areas, or the actor's own account. Raises NotFound."""
    user = session.get(User, user_id)
    if user is None or not _sees(session, actor, user):
        raise NotFound("user")
    return user


def find(session: Session, actor: Actor, username: str) -> User:
    """The same by username."""
    user = session.scalar(select(User).where(User.username == username.strip().casefold()))
    if user is None or not _sees(session, actor, user):
        raise NotFound("user")
    return user


def page(
    session: Session, actor: Actor, *, limit: int | None = None, cursor: str | None = None
) -> Page[User]:
    """Users within the actor's areas, by username."""
    require_role(actor, Action.ADMINISTER)
    limit = limited(limit)
    query = select(User).order_by(User.username).limit(limit + 1)
    areas = visible_areas(session, actor)
    if areas is not None:
        also = select(UserArea.user_id).where(UserArea.area_id.in_(areas))
        query = query.where(or_(User.area_id.in_(areas), User.id.in_(also)))
    if cursor:
        query = query.where(beyond([User.username], cursor))
    return page_of(session.scalars(query).all(), limit, lambda user: (user.username,))


def lock(session: Session, actor: Actor, user_id: str, now: datetime) -> User:
    """Shut a user out at once: no sign-in, no session, no token."""
    user = get(session, actor, user_id)
    _require_over_user(session, actor, user)
    if user.id == actor.user_id:
        raise not_oneself()
    user.locked_at = user.locked_at or now
    user.session_version += 1
    audit.record(session, actor, "user.lock", "user", user.id, user.area_id, now)
    return user


def unlock(session: Session, actor: Actor, user_id: str, now: datetime) -> User:
    """Let a user back in."""
    user = get(session, actor, user_id)
    _require_over_user(session, actor, user)
    user.locked_at = None
    audit.record(session, actor, "user.unlock", "user", user.id, user.area_id, now)
    return user


# --- passwords and links -----------------------------------------------------------------------


def authenticate(session: Session, username: str, password: str) -> User | None:
    """The user with that password; None for anything wrong, in about the same time."""
    user = session.scalar(select(User).where(User.username == username.strip().casefold()))
    if user is None or user.password_hash is None:
        passwords.hashed(password)  # an unknown name takes as long as a wrong password
        return None
    if not passwords.matches(user.password_hash, password) or user.locked_at is not None:
        return None
    if passwords.outdated(user.password_hash):
        user.password_hash = passwords.hashed(password)
    return user


def new_link(session: Session, actor: Actor, user_id: str, now: datetime) -> str:
    """The secret of a fresh link for a user; earlier links stop working."""
    user = get(session, actor, user_id)
    _require_over_user(session, actor, user)
    audit.record(session, actor, "user.link", "user", user.id, user.area_id, now)
    return _link(session, user, now)


class LinkSpent(NotFound):
    """A one-time link was used, is too old or was made up; the three look alike."""

    def __init__(self) -> None:
        ControllerError.__init__(
            self,
            "not_found",
            "Liên kết này đã dùng rồi hoặc quá hạn. Đã đặt mật khẩu thì hãy đăng nhập; "
            "chưa thì xin quản trị liên kết mới.",
            "This link has been used or is too old. Sign in if your password is set; "
            "if not, ask an administrator for a new link.",
        )


def open_link(session: Session, secret: str, now: datetime) -> User:
    """Whom a link is for. Raises LinkSpent when it is used, expired or made up."""
    return session.get_one(User, _usable(session, secret, now).user_id)


def use_link(session: Session, secret: str, password: str, now: datetime) -> User:
    """Set the password and use the link up; every session of the user ends."""
    link = _usable(session, secret, now)
    user = session.get_one(User, link.user_id)
    passwords.require_strong(password, user.username)
    link.used_at = now
    _store_password(session, user, password, now)
    return user


def change_password(session: Session, actor: Actor, old: str, new: str, now: datetime) -> User:
    """A user changes their own password, knowing the old one."""
    user = session.get(User, actor.user_id) if actor.user_id else None
    if user is None:
        raise NotFound("user")
    if user.password_hash is None or not passwords.matches(user.password_hash, old):
        raise BadInput(
            {
                "old_password": (
                    "Mật khẩu hiện tại chưa đúng: hãy nhập lại.",
                    "The current password is not right: type it again.",
                )
            }
        )
    passwords.require_strong(new, user.username)
    _store_password(session, user, new, now)
    return user


def set_password(
    session: Session, actor: Actor, user_id: str, password: str, now: datetime
) -> User:
    """Set a user's password from the server's own console; nobody else may (links do that)."""
    if actor.user_id is not None:
        raise NotAllowed(
            "links_only",
            "Không đặt mật khẩu thay người khác: hãy gửi cho họ liên kết đặt mật khẩu.",
            "Nobody sets another's password: give them a one-time link.",
        )
    user = get(session, actor, user_id)
    passwords.require_strong(password, user.username)
    _store_password(session, user, password, now)
    return user


def actor_of(user: User) -> Actor:
    """The user as the one who acts."""
    also = user.area_ids[1:]
    return Actor(user.id, user.name, Role(user.role), user.area_id, user.language, also)


def secret_hash(secret: str) -> str:
    """What is kept of a random secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


# --- within ------------------------------------------------------------------------------------


def _link(session: Session, user: User, now: datetime) -> str:
    for link in session.scalars(
        select(OneTimeLink).where(OneTimeLink.user_id == user.id, OneTimeLink.used_at.is_(None))
    ):
        link.used_at = now
    secret = secrets.token_urlsafe(32)
    session.add(
        OneTimeLink(secret_hash=secret_hash(secret), user_id=user.id, expires_at=now + LINK_LASTS)
    )
    return secret


def _usable(session: Session, secret: str, now: datetime) -> OneTimeLink:
    link = session.get(OneTimeLink, secret_hash(secret), with_for_update=True)
    if link is None or link.used_at is not None or link.expires_at <= now:
        raise LinkSpent
    return link


def _store_password(session: Session, user: User, password: str, now: datetime) -> None:
    user.password_hash = passwords.hashed(password)
    user.session_version += 1
    audit.record(session, actor_of(user), "user.password", "user", user.id, user.area_id, now)


def _sees(session: Session, actor: Actor, user: User) -> bool:
    areas = visible_areas(session, actor)
    return user.id == actor.user_id or areas is None or not areas.isdisjoint(user.area_ids)


def _require_over_user(session: Session, actor: Actor, user: User) -> None:
    """Over all they serve: who may change an account may also enter with it."""
    for area_id in user.area_ids or (None,):
        require(session, actor, Action.ADMINISTER, area_id)


def _require_over(session: Session, actor: Actor, area_id: str | None) -> None:
    require(session, actor, Action.ADMINISTER, area_id)
    if area_id is not None and session.get(Area, area_id) is None:
        raise NotFound("area")


def _check(values: Mapping[str, Any]) -> None:
    errors: dict[str, tuple[str, str]] = {}
    if "username" in values and not _USERNAME.fullmatch(values["username"]):
        errors["username"] = (
            "Tên đăng nhập gồm 2–64 chữ không dấu, số, dấu chấm, @, _ hoặc -.",
            "A username has 2–64 plain letters, digits, dots, @, _ or -.",
        )
    if "name" in values and not 1 <= len(_tidy(values["name"])) <= 200:
        errors["name"] = (
            "Hãy điền họ tên (tối đa 200 ký tự).",
            "Fill in a name, at most 200 characters.",
        )
    if "language" in values and values["language"] not in LANGUAGES:
        errors["language"] = ("Hãy chọn vi hoặc en.", "Choose vi or en.")
    if errors:
        raise BadInput(errors)


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def not_oneself() -> NotAllowed:
    """The refusal of whoever would change their own rights."""
    return NotAllowed(
        "not_oneself",
        "Không thể tự đổi quyền hoặc tự khoá tài khoản của mình: hãy nhờ người quản trị khác.",
        "You cannot change your own rights or lock yourself: ask another administrator.",
    )
