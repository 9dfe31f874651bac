"""`loalang node list|show|create|update|shut-out|claim-code|order`: the places with horns."""

import argparse
import time
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from controller.api.care import RepairOut
from controller.api.nodes import (
    NodeIn,
    NodeOut,
    NodePatch,
    OrderOut,
    SummaryOut,
    WaitingOut,
    order_record,
)
from controller.cli.checking import checked, shown
from controller.cli.console import DONE, FAILED, Console, area_id, given
from controller.cli.parsing import Group, one_id
from controller.emergency import node_orders
from controller.fleet import enrolment, node_care, nodes, summaries
from controller.paging import every

_LOOK_S = 0.5
_COLUMNS = ("code", "name", "area_id", "online", "last_seen_at", "problems", "id")


def add(words: Any) -> None:
    """The verbs of `node` that are not the daemon."""
    node = Group(words, "node", "nodes the controller knows")
    node.verb("list", show_all, "every node in service", _area)
    node.verb("show", show_one, "one node", one_id)
    node.verb("create", create, "a new node; prints its claim code", _new, "add")
    node.verb("update", update, "change a node", _changes)
    node.verb("card", show_card, "the way there, the key, the power; or write it", _card)
    node.verb("note", add_note, "write down a repair", _note)
    node.verb("notes", show_notes, "what was mended there", one_id)
    node.verb("summaries", show_summaries, "reports it had no room for, summed up", one_id)
    node.verb("waiting", waiting, "new devices that wait to be bound")
    node.verb("bind", bind, "let a waiting device serve a node", _binding)
    node.verb("shut-out", shut_out, "the device was stolen: shut it out", one_id)
    node.verb("claim-code", claim_code, "a code for new hardware at the same place", one_id)
    node.verb("order", order, "test play, volume, mute, restart, log, resync, self-test", _order)


def show_all(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        where = area_id(session, asked.area)
        found = every(partial(nodes.page, session, actor, now=console.now, area_id=where))
        records = [shown(NodeOut, view) for view in found]
    console.table(records, _COLUMNS)
    return DONE


def show_one(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        node = nodes.get(session, actor, asked.id)
        console.show(shown(NodeOut, nodes.view(session, node, console.now)))
    return DONE


def create(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        body = _body(asked) | {"area_id": area_id(session, asked.area)}
        data = nodes.NodeInput(**checked(NodeIn(), body))
        node, code = nodes.create(session, actor, data, console.now)
        record = shown(NodeOut, nodes.view(session, node, console.now))
    console.show({**record, "claim_code": code})
    return DONE


def update(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        body = _body(asked)
        if asked.area is not None:
            body["area_id"] = area_id(session, asked.area)
        node = nodes.update(session, actor, asked.id, checked(NodePatch(), body), console.now)
        if asked.zone is not None:
            pairs = [_zone(session, text) for text in asked.zone if text]
            node_care.choose_zones(session, actor, asked.id, pairs, console.now)
        console.show(shown(NodeOut, nodes.view(session, node, console.now)))
    return DONE


def _zone(session: Session, text: str) -> tuple[str, list[str]]:
    """`NAME=AREA,AREA`, areas by id or code."""
    name, _, listed = text.partition("=")
    named = (area_id(session, each) for each in listed.split(",") if each)
    return name, [each for each in named if each]


def show_card(console: Console, asked: argparse.Namespace) -> int:
    told = given(asked, *node_care.CARD)
    with console.changing() if told else console.reading() as (session, actor):
        if told:
            before = nodes.get(session, actor, asked.id).card or {}
            node_care.set_card(session, actor, asked.id, before | told, console.now)
        console.show(nodes.get(session, actor, asked.id).card or {})
    return DONE


def add_note(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        note = node_care.add_note(session, actor, asked.id, asked.text, console.now)
        session.flush()
        console.show(shown(RepairOut, note))
    return DONE


def show_notes(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = node_care.notes(session, actor, asked.id)
        console.table([shown(RepairOut, note) for note in found], ("at", "text"))
    return DONE


def show_summaries(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        records = [shown(SummaryOut, each) for each in summaries.of_node(session, actor, asked.id)]
    console.table(records, ("from_at", "until_at", "count", "ended"))
    return DONE


def waiting(console: Console, _asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = enrolment.waiting(session, actor, console.now)
        records = [shown(WaitingOut, each) for each in found]
    console.table(records, ("code", "hardware", "last_asked_at", "id"))
    return DONE


def bind(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        node = enrolment.bind(session, actor, asked.id, asked.device, console.now)
        console.show(shown(NodeOut, nodes.view(session, node, console.now)))
    return DONE


def shut_out(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        node = nodes.shut_out(session, actor, asked.id, console.now)
        console.show(shown(NodeOut, nodes.view(session, node, console.now)))
    return DONE


def claim_code(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        code = nodes.new_claim_code(session, actor, asked.id, console.now)
    console.show({"id": asked.id, "claim_code": code})
    return DONE


def order(console: Console, asked: argparse.Namespace) -> int:
    """Waits for the node's answer; fails when it says no, or nothing."""
    args = given(asked, "pct", "until", "lines", "clip_id", "hard")
    with console.changing() as (session, actor):
        row = node_orders.order(session, actor, asked.id, asked.verb, args, console.now)
        record = shown(OrderOut, order_record(row, console.now))
    deadline = time.monotonic() + asked.wait
    while record["state"] == "waiting" and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        with console.reading() as (session, actor):
            row = node_orders.get(session, actor, asked.id, record["id"])
            record = shown(OrderOut, order_record(row, console.now))
    console.show(record)
    return DONE if record["state"] == "done" else FAILED


def _body(asked: argparse.Namespace) -> dict[str, Any]:
    return given(asked, "name", "code", "lat", "lon", "languages", "volume")


def _area(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", help="id or code; with all below it")


def _card(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    for name in node_care.CARD:
        parser.add_argument(f"--{name.replace('_', '-')}")


def _note(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("text")


def _order(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("verb", choices=node_orders.VERBS)
    parser.add_argument("--pct", type=int, help="volume: percent")
    parser.add_argument("--until", help="mute: RFC 3339; left out, the mute is lifted")
    parser.add_argument("--lines", type=int, help="log_tail: how many")
    parser.add_argument("--clip-id", help="play: an approved clip; left out, a signature tune")
    parser.add_argument(
        "--hard", action="store_true", default=None, help="stop: without a fade, at once"
    )
    parser.add_argument("--wait", type=float, default=15.0, help="seconds to wait for the answer")


def _binding(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("device", help="the id of a device that waits")


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True)
    parser.add_argument("--code", required=True)
    parser.add_argument("--area", required=True, help="id or code")
    _more(parser)


def _changes(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("--name")
    parser.add_argument("--code")
    parser.add_argument("--area", help="id or code")
    parser.add_argument(
        "--zone",
        action="append",
        metavar="NAME=AREA,AREA",
        help="an amplifier and the areas it carries; said once for each, '' alone: all carry all",
    )
    _more(parser)


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lat", type=float)
    parser.add_argument("--lon", type=float)
    parser.add_argument("--languages", nargs="+")
    parser.add_argument("--volume", type=int, help="percent")
