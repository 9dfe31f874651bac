"""API tokens: each belongs to a user and may be narrower than its owner, never wider.

Only the hash of a token is kept; the token itself is shown once.
"""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts import audit
from controller.accounts.access import Action, Actor, may, require, visible_areas
from controller.accounts.people import actor_of, secret_hash
from controller.errors import BadInput, NotAllowed, NotFound
from controller.models import ApiToken, Role, User

# Tells a leaked token apart from other secrets, for those who search logs and repositories.
PREFIX: Final = "loa_"


def create(
    session: Session,
    actor: Actor,
    user_id: str,
    name: str,
    now: datetime,
    *,
    role: Role | None = None,
    area_id: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """The token's row, and the token itself, shown once. Its owner makes it, or the console.

    A token made with a token is no wider than that one.
    """
    user = session.get(User, user_id)
    if user is None or actor.user_id not in (None, user_id):
        # A token for somebody else would let one person be two.
        raise NotFound("user")
    bound = actor if actor.user_id else actor_of(user)
    role = role or (bound.role if bound.role != user.role else None)
    area_id = area_id or (bound.area_id if bound.area_ids != user.area_ids else None)
    _require_narrower(session, bound, role, area_id)
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        token_hash=secret_hash(secret),
        user_id=user_id,
        name=" ".join(name.split())[:200],
        role=role,
        area_id=area_id,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "token.create", "token", row.id, user.area_id, now)
    return row, secret


def owned_by(session: Session, actor: Actor, user_id: str) -> list[ApiToken]:
    """A user's tokens that still work or once did, newest first."""
    _require_over_owner(session, actor, user_id)
    query = select(ApiToken).where(ApiToken.user_id == user_id)
    return list(session.scalars(query.order_by(ApiToken.created_at.desc(), ApiToken.id)))


def revoke(session: Session, actor: Actor, token_id: str, now: datetime) -> ApiToken:
    """End a token at once: its owner may, and an administrator over its owner."""
    row = session.get(ApiToken, token_id)
    if row is None:
        raise NotFound("token")
    _require_over_owner(session, actor, row.user_id)
    row.revoked_at = row.revoked_at or now
    audit.record(session, actor, "token.revoke", "token", row.id, row.user.area_id, now)
    return row


def bearer(session: Session, secret: str, now: datetime) -> Actor | None:
    """Who acts with this token; None when it is unknown, over, or its owner is locked."""
    row = session.scalar(select(ApiToken).where(ApiToken.token_hash == secret_hash(secret)))
    if row is None or row.revoked_at is not None:
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    user = row.user
    if user.locked_at is not None:
        return None
    owner = actor_of(user)
    role = Role(row.role) if row.role else owner.role
    if not _within(owner.role, role):
        return None  # the owner has since been given less than the token carries
    if row.area_id is not None:
        areas = visible_areas(session, owner)
        if areas is not None and row.area_id not in areas:
            return None
    if row.area_id is not None:
        return Actor(user.id, user.name, role, row.area_id, user.language)
    return replace(owner, role=role)


def _within(wide: Role, narrow: Role) -> bool:
    """Whether everything `narrow` may do, `wide` may do too."""
    wide_actor, narrow_actor = Actor(None, "", wide), Actor(None, "", narrow)
    return all(may(wide_actor, action) for action in Action if may(narrow_actor, action))


def _require_narrower(
    session: Session, bound: Actor, role: Role | None, area_id: str | None
) -> None:
    if role is not None and not _within(bound.role, role):
        raise BadInput(
            {
                "role": (
                    "Mã truy cập không được có quyền rộng hơn chủ của nó.",
                    "A token may not do more than its owner.",
                )
            }
        )
    if area_id is not None:
        require(session, bound, Action.VIEW, area_id)


def _require_over_owner(session: Session, actor: Actor, user_id: str) -> None:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("token")
    if actor.user_id == user_id:
        return
    try:
        for area_id in user.area_ids or (None,):
            require(session, actor, Action.ADMINISTER, area_id)
    except NotAllowed as refusal:
        raise NotFound("token") from refusal
