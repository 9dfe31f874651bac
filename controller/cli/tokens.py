"""`loalang token`: API tokens, shown once."""

import argparse
from datetime import timedelta
from typing import Any

from controller.accounts import people, tokens
from controller.cli.console import DONE, Console, area_id
from controller.cli.parsing import Group, one_id
from controller.models import ApiToken, Role

_COLUMNS = ("id", "name", "role", "area_id", "created_at", "expires_at", "revoked_at")


def add(words: Any) -> None:
    """The verbs of `token`."""
    token = Group(words, "token", "API tokens")
    token.verb("list", show_all, "a person's tokens", _username)
    token.verb("create", create, "a new token, shown once", _new, "add")
    token.verb("revoke", revoke, "end a token at once", one_id)


def show_all(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        user = people.find(session, actor, asked.username)
        records = [_record(row) for row in tokens.owned_by(session, actor, user.id)]
    console.table(records, _COLUMNS)
    return DONE


def create(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        user = people.find(session, actor, asked.username)
        row, secret = tokens.create(
            session,
            actor,
            user.id,
            asked.name,
            console.now,
            role=asked.role,
            area_id=area_id(session, asked.area),
            expires_at=console.now + timedelta(days=asked.days) if asked.days else None,
        )
    console.show({**_record(row), "token": secret})
    return DONE


def revoke(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        console.show(_record(tokens.revoke(session, actor, asked.id, console.now)))
    return DONE


def _username(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username")


def _new(parser: argparse.ArgumentParser) -> None:
    _username(parser)
    parser.add_argument("--name", default="console", help="what it is for")
    parser.add_argument("--role", type=Role, choices=list(Role), help="narrower than the owner's")
    parser.add_argument("--area", help="id or code; narrower than the owner's")
    parser.add_argument("--days", type=_days, help="how long it works; none: until revoked")


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 3660:
        raise argparse.ArgumentTypeError("1 to 3660 days")
    return days


def _record(row: ApiToken) -> dict[str, Any]:
    times = {
        name: at.isoformat() if (at := getattr(row, name)) else None
        for name in ("created_at", "expires_at", "revoked_at")
    }
    role = Role(row.role).value if row.role else None
    return {"id": row.id, "name": row.name, "role": role, "area_id": row.area_id, **times}
