"""`loalang user`: people, their one-time links and passwords."""

import argparse
import getpass
import sys
from functools import partial
from typing import Any

from controller.accounts import people, user_areas
from controller.cli.console import DONE, Console, area_id, given
from controller.cli.parsing import Group
from controller.models import Role, User
from controller.paging import every

_COLUMNS = ("username", "name", "role", "area_id", "locked_at", "id")


def add(words: Any) -> None:
    """The verbs of `user`."""
    user = Group(words, "user", "people who may sign in")
    user.verb("list", show_all, "everybody")
    user.verb("show", show_one, "one person", _username)
    user.verb("create", create, "a new person; prints their link", _new, "add")
    user.verb("update", update, "change name, role, areas or language", _changes)
    user.verb("link", link, "a new one-time link to set a password", _username)
    user.verb("password", password, "set a password typed or piped in", _username)
    user.verb("lock", lock, "shut a person out at once", _username)
    user.verb("unlock", unlock, "let a person back in", _username)


def show_all(console: Console, _asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        records = [_record(user) for user in every(partial(people.page, session, actor))]
    console.table(records, _COLUMNS)
    return DONE


def show_one(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        console.show(_record(people.find(session, actor, asked.username)))
    return DONE


def create(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        data = people.UserInput(
            asked.username, asked.name, asked.role, area_id(session, asked.area), asked.language
        )
        user, secret = people.create(session, actor, data, console.now)
    console.show({**_record(user), "link": _address(console, secret)})
    return DONE


def update(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        user = people.find(session, actor, asked.username)
        changes = given(asked, "name", "role", "language")
        if asked.area is not None:
            changes["area_id"] = area_id(session, asked.area) if asked.area else None
        changed = people.update(session, actor, user.id, changes, console.now) if changes else user
        for named in asked.add_area or ():
            added = area_id(session, named) or ""
            changed = user_areas.add(session, actor, user.id, added, console.now)
        for named in asked.remove_area or ():
            removed = area_id(session, named) or ""
            changed = user_areas.remove(session, actor, user.id, removed, console.now)
    console.show(_record(changed))
    return DONE


def link(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        user = people.find(session, actor, asked.username)
        secret = people.new_link(session, actor, user.id, console.now)
    console.show({"username": user.username, "link": _address(console, secret)})
    return DONE


def password(console: Console, asked: argparse.Namespace) -> int:
    typed = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with console.changing() as (session, actor):
        user = people.find(session, actor, asked.username)
        people.set_password(session, actor, user.id, typed, console.now)
    console.say("Đã đặt mật khẩu.", "The password is set.")
    return DONE


def lock(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        user = people.find(session, actor, asked.username)
        console.show(_record(people.lock(session, actor, user.id, console.now)))
    return DONE


def unlock(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        user = people.find(session, actor, asked.username)
        console.show(_record(people.unlock(session, actor, user.id, console.now)))
    return DONE


def _username(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("username")


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", type=Role, choices=list(Role), required=True)
    parser.add_argument("--area", help="id or code; none: everywhere")
    parser.add_argument("--language", default="vi", choices=people.LANGUAGES)


def _changes(parser: argparse.ArgumentParser) -> None:
    _username(parser)
    parser.add_argument("--name")
    parser.add_argument("--role", type=Role, choices=list(Role))
    parser.add_argument("--area", help="id or code; empty: everywhere")
    parser.add_argument("--add-area", action="append", metavar="AREA", help="serve this too")
    parser.add_argument("--remove-area", action="append", metavar="AREA", help="no longer serve")
    parser.add_argument("--language", choices=people.LANGUAGES)


def _address(console: Console, secret: str) -> str:
    return f"{console.settings.public_url}/link/{secret}"


def _record(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "role": Role(user.role).value,
        "area_id": user.area_id,
        "area_ids": list(user.area_ids),
        "language": user.language,
        "has_password": user.password_hash is not None,
        "locked_at": user.locked_at.isoformat() if user.locked_at else None,
    }
