"""`loalang stick export|import FOLDER`: a USB stick for nodes that have no link."""

import argparse
from pathlib import Path
from typing import Any

from audio_library.store import Store
from controller.cli.console import DONE, Console, area_id
from controller.cli.parsing import Group
from controller.keys import signing
from controller.publishing.desk import BlobSource
from controller.usb import sticks
from protocol.pack import Pack


def add(words: Any) -> None:
    """The word `stick`."""
    stick = Group(words, "stick", "a USB stick in place of the link")
    stick.verb("export", export, "schedules and clips onto a stick", _export)
    stick.verb("import", take_in, "reports and logs off a stick", _stick)


def export(console: Console, asked: argparse.Namespace) -> int:
    settings = console.settings
    find = BlobSource(Store(settings.day_pages_dir), Store(settings.store_dir))
    with console.changing() as (session, actor):
        where = area_id(session, asked.area)
        node_ids = asked.node or list(sticks.chosen(session, actor, console.now, where))
        done = sticks.export(
            session,
            actor,
            Pack(asked.stick),
            node_ids,
            find,
            site=settings.site,
            now=console.now,
            days=asked.days,
        )
    console.show(
        {
            "nodes": len(node_ids),
            "documents": done.documents,
            "blobs": done.blobs,
            "bytes": done.bytes,
            "missing": done.missing,
        }
    )
    return DONE


def take_in(console: Console, asked: argparse.Namespace) -> int:
    settings, stick = console.settings, Pack(asked.stick)
    key = signing.load_or_create(settings.signing_key_file)
    with console.changing() as (session, actor):
        taken = sticks.take_in(session, actor, stick, site=settings.site, now=console.now)
    # Committed: only now may the nodes be told to forget.
    with console.changing() as (session, _actor):
        sticks.acknowledge(session, stick, taken.devices, key, settings.site, console.now)
    console.show(
        {
            "devices": sorted(taken.devices),
            "reports": taken.reports,
            "logs": taken.logs,
            "bound": taken.bound,
            "refused": dict(taken.refused),
        }
    )
    return DONE


def _stick(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stick", type=Path, help="where the stick is mounted")


def _export(parser: argparse.ArgumentParser) -> None:
    _stick(parser)
    parser.add_argument("--area", help="id or code; with all below it. Left out: every node")
    parser.add_argument("--node", nargs="+", help="ids of nodes, instead of an area")
    parser.add_argument("--days", type=int, default=30, help="clips of so many days ahead")
