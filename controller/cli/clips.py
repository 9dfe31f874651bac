"""`loalang clip`: recordings and the decisions on them."""

import argparse
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from controller import commands
from controller.api.clips import ClipIn, ClipOut, ExpiringOut, VersionOut
from controller.cli.bar import Bar
from controller.cli.checking import checked, shown
from controller.cli.console import DONE, Console, Run, area_id, given
from controller.cli.parsing import Group, one_decided, one_id
from controller.library import clips, expiry
from controller.models import Approval, ClipVersion
from controller.paging import every

_EXPIRING = ("at", "title", "clip_id", "schedules")
_COLUMNS = ("id", "title", "topic", "language", "status", "duration_ms", "version")


def add(words: Any) -> None:
    """The verbs of `clip`."""
    clip = Group(words, "clip", "recordings")
    clip.verb("list", show_all, "the library", _filters)
    clip.verb("expiring", show_expiring, "what soon may not air any more", _days)
    clip.verb("show", show_one, "one clip", one_id)
    clip.verb("upload", upload, "take a recording in", _new, "add")
    clip.verb("approve", _decision(clips.approve), "let it go on air", one_decided)
    clip.verb("reject", _decision(clips.reject), "return it", one_decided)
    clip.verb("withdraw", _decision(clips.withdraw), "take it off the air", one_decided)


def show_all(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        filters = clips.ClipFilters(
            area_id=area_id(session, asked.area), **given(asked, "topic", "language", "status", "q")
        )
        found = every(partial(clips.page, session, actor, filters, now=console.now))
        records = [shown(ClipOut, view) for view in found]
    console.table(records, _COLUMNS)
    return DONE


def show_expiring(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        found = expiry.expiring(session, actor, console.now, timedelta(days=asked.days))
        console.table([shown(ExpiringOut, each) for each in found], _EXPIRING)
    return DONE


def _days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=7)


def show_one(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        clip = clips.get(session, actor, asked.id)
        console.show(shown(ClipOut, clips.view(session, clip, console.now)))
    return DONE


def upload(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        where = area_id(session, asked.area)
    names = ("title", "topic", "language", "app", "audience", "valid_from", "valid_until")
    body = given(asked, *names, "translation_of", "replaces") | {"area_id": where}
    data = clips.UploadInput(path=asked.file, filename=asked.file.name, **checked(ClipIn(), body))
    at = console.services
    with Bar() as bar:
        _clip, version = clips.upload(
            at.engine, at.store, actor, data, console.now, bar, bar.cancelled
        )
    commands.wake(console.settings.wake_path)
    console.show(shown(VersionOut, version))
    return DONE


def _decision(decide: Callable[..., ClipVersion]) -> Run:
    def run(console: Console, asked: argparse.Namespace) -> int:
        with console.changing() as (session, actor):
            version = decide(session, actor, asked.id, console.now, asked.note)
            console.show(shown(VersionOut, version))
        return DONE

    return run


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", type=int, choices=range(1, 7))
    parser.add_argument("--language")
    parser.add_argument("--status", type=Approval, choices=list(Approval))
    parser.add_argument("--area", help="id or code; with all below it")
    parser.add_argument("--q", help="words, with or without accents")


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--title", required=True)
    parser.add_argument("--topic", type=int, required=True, help="1 to 6")
    parser.add_argument("--language", required=True)
    parser.add_argument("--area", help="id or code; none: everywhere")
    for name in ("app", "audience", "translation-of", "valid-from", "valid-until", "replaces"):
        parser.add_argument(f"--{name}")
