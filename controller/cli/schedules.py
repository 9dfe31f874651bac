"""`loalang schedule`: what airs when; a new one is given as the API's JSON."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from controller.api.schedules import (
    DraftOut,
    ScheduleIn,
    ScheduleOut,
    SchedulePatch,
    changed_input,
    input_of,
    outcome_of,
)
from controller.cli.checking import checked, shown
from controller.cli.console import DONE, Console, Run, area_id, read_json
from controller.cli.parsing import Group, one_decided, one_id
from controller.models import Approval, Schedule
from controller.paging import every
from controller.scheduling import approvals, following, schedule_edits, schedules

_COLUMNS = ("id", "title", "status", "class", "starts_at", "timezone", "paused_at")


def add(words: Any) -> None:
    """The verbs of `schedule`."""
    schedule = Group(words, "schedule", "schedules")
    schedule.verb("list", show_all, "every schedule", _filters)
    schedule.verb("show", show_one, "one schedule", one_id)
    schedule.verb("create", create, "a new schedule from JSON", _new, "add")
    schedule.verb("update", update, "change one from JSON", _changed, "change")
    schedule.verb("approve", _decision(approvals.approve_schedule), "let it go on air", one_decided)
    schedule.verb("reject", _decision(approvals.reject_schedule), "return it", one_decided)
    schedule.verb("pause", _change(schedules.pause), "take its coming airings off", one_id)
    schedule.verb("resume", _change(schedules.resume), "put them back", one_id)
    schedule.verb("delete", delete, "end it", one_id)


def show_all(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        where = area_id(session, asked.area)
        chosen = partial(schedules.page, session, actor, status=asked.status, area_id=where)
        records = [shown(ScheduleOut, schedule) for schedule in every(chosen)]
    console.table(records, _COLUMNS)
    return DONE


def show_one(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        console.show(shown(ScheduleOut, schedules.get(session, actor, asked.id)))
    return DONE


def create(console: Console, asked: argparse.Namespace) -> int:
    data = input_of(checked(ScheduleIn(), read_json(asked.file)))
    if asked.dry_run:
        with console.reading() as (session, actor):
            found = schedules.draft(session, actor, data, console.now)
        console.show(shown(DraftOut, outcome_of(None, found)))
        return DONE
    with console.changing() as (session, actor):
        schedule, found = schedules.create(session, actor, data, console.now)
    console.show(shown(DraftOut, outcome_of(schedule, found)))
    return DONE


def update(console: Console, asked: argparse.Namespace) -> int:
    body = checked(SchedulePatch(), read_json(asked.file))
    if asked.dry_run:
        with console.reading() as (session, actor):
            data = changed_input(schedules.get(session, actor, asked.id), body)
            found = (
                following.draft(session, actor, asked.from_airing, data, console.now)
                if asked.from_airing
                else schedule_edits.draft(session, actor, asked.id, data, console.now)
            )
            console.show(shown(DraftOut, outcome_of(None, found)))
        return DONE
    with console.changing() as (session, actor):
        data = changed_input(schedules.get(session, actor, asked.id), body)
        if asked.from_airing is None:
            outcome = schedule_edits.update(session, actor, asked.id, data, console.now)
        else:
            outcome = following.change(session, actor, asked.from_airing, data, console.now)
        console.show(shown(DraftOut, outcome_of(*outcome)))
    return DONE


def delete(console: Console, asked: argparse.Namespace) -> int:
    with console.changing() as (session, actor):
        schedules.delete(session, actor, asked.id, console.now)
    console.say("Đã xoá lịch phát.", "The schedule is deleted.")
    return DONE


def _decision(decide: Callable[..., Schedule]) -> Run:
    def run(console: Console, asked: argparse.Namespace) -> int:
        with console.changing() as (session, actor):
            schedule = decide(session, actor, asked.id, console.now, asked.note)
            console.show(shown(ScheduleOut, schedule))
        return DONE

    return run


def _change(change: Callable[..., Schedule]) -> Run:
    def run(console: Console, asked: argparse.Namespace) -> int:
        with console.changing() as (session, actor):
            console.show(shown(ScheduleOut, change(session, actor, asked.id, console.now)))
        return DONE

    return run


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", type=Approval, choices=list(Approval))
    parser.add_argument("--area", help="id or code")


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="JSON as POST /schedules takes it; - reads standard input")
    parser.add_argument("--dry-run", action="store_true", help="only show what it would do")


def _changed(parser: argparse.ArgumentParser) -> None:
    one_id(parser)
    parser.add_argument("file", help="JSON as PATCH /schedules/{id} takes it; - reads stdin")
    parser.add_argument("--from-airing", metavar="ID", help="only this airing and all after it")
    parser.add_argument("--dry-run", action="store_true", help="only show what it would do")
