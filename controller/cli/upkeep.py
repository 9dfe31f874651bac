"""`loalang migrate`: bring the database to this program's version."""

import argparse
from typing import Any

from controller import database, schema
from controller.accounts import second_factor
from controller.cli.console import DONE, Console
from controller.cli.parsing import add as add_word
from controller.keys.signing import may_read
from controller.services import open_services


def add(words: Any) -> None:
    """The word `migrate`."""
    add_word(words, "migrate", migrate, "upgrade the database")


def migrate(console: Console, _asked: argparse.Namespace) -> int:
    services = open_services(console.settings)
    try:
        schema.upgrade(services.engine)
        schema.require_current(services.engine)
        with database.transaction(services.engine) as session:
            # Where the key is the pages' own, they do this when they start.
            if may_read(console.settings.factor_key_file):
                second_factor.lock_all(session, console.settings.factor_box)
    finally:
        services.engine.dispose()
    console.say("Cơ sở dữ liệu đã ở phiên bản mới nhất.", "The database is up to date.")
    return DONE
