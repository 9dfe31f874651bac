"""`loalang airing`: what sounds when, and changes to one airing alone."""

import argparse
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from controller.api.airings import AiringOut
from controller.api.playbacks import StepOut
from controller.cli.checking import shown
from controller.cli.console import DONE, Console, Run, area_id
from controller.cli.parsing import Group, one_id
from controller.models import Airing
from controller.outcomes import airing_path, playbacks
from controller.paging import every
from controller.planning import airings
from controller.planning.tonight import tonight
from controller.scheduling import airing_edits

_COLUMNS = ("starts_at", "ends_at", "title", "class", "id")
_AHEAD = timedelta(days=7)


def add(words: Any) -> None:
    """The verbs of `airing`."""
    airing = Group(words, "airing", "single airings")
    airing.verb("list", show_all, "the coming week", _filters)
    airing.verb("tonight", show_tonight, "what will play in one village until morning", _place)
    airing.verb("show", show_one, "one airing", one_id)
    airing.verb("path", show_path, "its way to one node, step by step, on both clocks", _on_node)
    airing.verb("move", move, "give this airing alone another start", _new_start)
    airing.verb("skip", _change(airing_edits.leave_out), "leave this airing out", one_id)
    airing.verb("restore", _change(airing_edits.put_back), "undo a move or a skip", one_id)


def show_all(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = every(
            partial(
                airings.page,
                session,
                actor,
                now=console.now,
                from_=console.now,
                until=console.now + timedelta(days=asked.days),
                area_id=area_id(session, asked.area),
            )
        )
        console.table([shown(AiringOut, view) for view in found], _COLUMNS)
    return DONE


def show_tonight(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = tonight(session, actor, area_id(session, asked.area) or "", console.now)
        console.table([shown(AiringOut, view) for view in found.airings], _COLUMNS)
    return DONE


def show_one(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = airings.get(session, actor, asked.id)
        console.show(shown(AiringOut, airings.view(session, found, console.now)))
    return DONE


def show_path(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        view = playbacks.one(session, actor, asked.id, asked.node)
        steps = [shown(StepOut, step) for step in airing_path.steps(session, view)]
    console.table(steps, ("code", "node_at", "server_at"))
    return DONE


def move(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        moved = airing_edits.move(session, actor, asked.id, asked.to, console.now)
        console.show(shown(AiringOut, airings.view(session, moved, console.now)))
    return DONE


def _change(change: Callable[..., Airing]) -> Run:
    def run(console: Console, asked: argparse.Namespace) -> int:
        with console.changing() as (session, actor):
            changed = change(session, actor, asked.id, console.now)
            console.show(shown(AiringOut, airings.view(session, changed, console.now)))
        return DONE

    return run


def _on_node(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("node", help="the node's id")


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("area", help="id or code")


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", help="id or code")
    parser.add_argument("--days", type=int, default=_AHEAD.days)


def _new_start(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("to", help="2026-11-24T19:00, local to the schedule, or with an offset")
