"""`loalang pack`: clips in one signed file, to another place or from one."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from controller import commands
from controller.cli.bar import Bar
from controller.cli.console import DONE, Console, area_id
from controller.cli.parsing import Group
from controller.library import clips
from controller.paging import every
from controller.usb import clip_packs


def add(words: Any) -> None:
    """The verbs of `pack`."""
    pack = Group(words, "pack", "recordings carried between places in one signed file")
    pack.verb("export", export, "write recordings into a pack", _exported)
    pack.verb("show", show, "what a pack holds", _file)
    pack.verb("import", take_in, "take a pack's recordings in", _imported)
    pack.verb("key", key, "the key this place signs packs with, and those trusted")
    pack.verb("trust", trust, "take packs signed with a key from now on", _friend)


def export(console: Console, asked: argparse.Namespace) -> int:
    at, actor = console.services, console.actor()
    ids = asked.ids or _all_ids(console)
    number = clip_packs.export(
        at.engine, at.store, actor, ids, asked.file, console.settings, console.now
    )
    console.show({"file": str(asked.file), "clips": number})
    return DONE


def show(console: Console, asked: argparse.Namespace) -> int:
    pack, known = clip_packs.look(asked.file, console.settings)
    if not console.as_json:
        console.show({"signer": pack.signer, "trusted": known, **pack.about})
    names = ("title", "topic", "language")
    records = [{name: clip.data.get(name) for name in names} for clip in pack.clips]
    console.table(
        [r | {"bytes": c.bytes} for r, c in zip(records, pack.clips, strict=True)],
        (*names, "bytes"),
    )
    return DONE


def take_in(console: Console, asked: argparse.Namespace) -> int:
    with console.reading() as (session, actor):
        where = area_id(session, asked.area)
    at = console.services
    with Bar() as bar:
        taken = clip_packs.take_in(
            at.engine,
            at.store,
            actor,
            asked.file,
            where,
            console.settings,
            console.now,
            bar,
            bar.cancelled,
        )
    commands.wake(console.settings.wake_path)
    said = 2 if console.english else 1
    records = [{"title": clip.title, "result": clip.id} for clip in taken.added]
    records += [{"title": left[0], "result": left[said]} for left in taken.skipped]
    console.table(records, ("title", "result"))
    return DONE


def key(console: Console, _asked: argparse.Namespace) -> int:
    records = [
        {"key": each, "name": name} for each, name in clip_packs.trusted(console.settings).items()
    ]
    if console.as_json:
        console.table(records, ("key", "name"))
    else:
        # Whole, to be copied: a table would cut it.
        print("\n".join(f"{record['key']} {record['name']}" for record in records))
    return DONE


def trust(console: Console, asked: argparse.Namespace) -> int:
    clip_packs.trust(console.settings, asked.key, asked.name)
    return DONE


def _all_ids(console: Console) -> list[str]:
    with console.reading() as (session, actor):
        library = partial(clips.page, session, actor, clips.ClipFilters(), now=console.now)
        return [view.clip.id for view in every(library) if view.on_air]


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)


def _exported(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument("ids", nargs="*", help="clips; none: all that may air")


def _imported(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument("--area", help="id or code; none: everywhere")


def _friend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="64 digits, from 'loalang pack key' over there")
    parser.add_argument("--name", default="", help="whose it is")
