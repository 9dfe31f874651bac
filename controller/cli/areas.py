"""`loalang area`: the tree of administrative units."""

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from controller.api.areas import AreaIn, AreaOut, AreaPatch, WaitOut
from controller.area_changes import area_edits, area_import, area_merge
from controller.cli.checking import checked, shown
from controller.cli.console import DONE, Console, area_id, given, read_json
from controller.cli.parsing import Group
from controller.errors import NotFound
from controller.fleet import stagger
from controller.models import Node
from controller.paging import every
from controller.territory import areas
from controller.territory.places import Tree

_COLUMNS = ("id", "code", "kind", "name", "parent_id", "timezone")


def add(words: Any) -> None:
    """The verbs of `area`."""
    area = Group(words, "area", "areas")
    area.verb("list", show_all, "every area")
    area.verb("show", show_one, "one area", _named)
    area.verb("create", create, "a new area", _new, "add")
    area.verb("update", update, "change an area", _changes, "rename")
    area.verb("waits", show_waits, "which nodes below wait for their neighbours' echo", _named)
    area.verb("merge", merge, "close areas; what lies ahead goes to another", _merging)
    area.verb("split", split, "a new area takes over some nodes of one", _splitting)
    area.verb("import", import_file, "units from a CSV or XLSX list, by code", _importing)


def show_all(console: Console, _asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = every(partial(areas.page, session, actor))
        records = [shown(AreaOut, area) for area in found]
    console.table(records, _COLUMNS)
    return DONE


def show_one(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = areas.get(session, actor, area_id(session, asked.area) or "")
        console.show(shown(AreaOut, found))
    return DONE


def create(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        body = _body(asked) | {"parent_id": area_id(session, asked.parent)}
        data = area_edits.AreaInput(**checked(AreaIn(), body))
        console.show(shown(AreaOut, area_edits.create(session, actor, data, console.now)))
    return DONE


def update(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        body = _body(asked)
        if asked.parent is not None:
            body["parent_id"] = area_id(session, asked.parent)
        found = area_id(session, asked.area) or ""
        changes = checked(AreaPatch(), body)
        console.show(shown(AreaOut, area_edits.update(session, actor, found, changes, console.now)))
    return DONE


def show_waits(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = areas.get(session, actor, area_id(session, asked.area) or "")
        waits = stagger.waits(session, [found.id], Tree.load(session))
        console.table([shown(WaitOut, each) for each in waits], ("code", "area_name", "wait_ms"))
    return DONE


def merge(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        closed = [area_id(session, named) or "" for named in asked.areas]
        into = area_id(session, asked.into) or ""
        found = area_merge.merge(session, actor, closed, into, console.now)
        console.show(shown(AreaOut, found))
    return DONE


def split(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        data = area_edits.AreaInput(asked.name, asked.kind, asked.code)
        nodes = list(session.scalars(select(Node.id).where(Node.code.in_(asked.nodes))))
        if len(nodes) != len(set(asked.nodes)):
            raise NotFound("node")
        old = area_id(session, asked.area) or ""
        console.show(
            shown(AreaOut, area_merge.split(session, actor, old, data, nodes, console.now))
        )
    return DONE


def import_file(console: Console, asked: argparse.Namespace) -> int:
    rows = area_import.read(asked.file.read_bytes(), asked.file.name)
    with console.changing() as (session, actor):
        parent_id = area_id(session, asked.parent)
        done = area_import.write(session, actor, rows, parent_id, console.now)
    console.show(asdict(done))
    return DONE


def _body(asked: argparse.Namespace) -> dict[str, Any]:
    body = given(asked, "name", "kind", "code", "timezone", "languages")
    if asked.policy is not None:
        body["policy"] = read_json(asked.policy)
    return body


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("area", help="id or code")


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True)
    parser.add_argument("--kind", required=True, help="thôn, xã, phường …")
    _more(parser)


def _changes(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--name")
    parser.add_argument("--kind")
    _more(parser)


def _merging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("areas", nargs="+", help="ids or codes of those to close")
    parser.add_argument("--into", required=True, help="id or code")


def _splitting(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--name", required=True)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--code", help="official unit code")
    parser.add_argument("--nodes", nargs="*", default=[], metavar="CODE", help="of nodes that go")


def _importing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="CSV (UTF-8) or XLSX; columns mã, tên, loại, …")
    parser.add_argument("--parent", help="id or code of what rows without a parent go below")


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", help="official unit code")
    parser.add_argument("--parent", help="id or code")
    parser.add_argument("--timezone")
    parser.add_argument("--languages", nargs="+")
    parser.add_argument("--policy", metavar="FILE", help="JSON; - reads standard input")
