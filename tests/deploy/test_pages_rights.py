"""What the pages' user may do in PostgreSQL: rows, and nothing about tables."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from controller import schema
from controller.database import open_engine, transaction
from controller.sequence import next_seq
from tests.support.commune import settle
from tests.support.postgres import running_postgres

RIGHTS = Path(__file__).parents[2] / "deploy" / "pages-rights.sql"


@pytest.fixture
def pages():
    """An engine as the pages' user, of a database laid out as the installer does."""
    with running_postgres() as server:
        yield from _opened(server.database("loalang"))


def _opened(url):
    service = open_engine(url)
    with service.begin() as connection:
        connection.execute(text('CREATE ROLE "loalang-web" LOGIN'))
        connection.execute(text(RIGHTS.read_text(encoding="utf-8")))
    schema.upgrade(service)  # tables that come later are theirs to fill, too
    service.dispose()
    engine = open_engine(url.replace("loalang@", "loalang-web@"))
    yield engine
    engine.dispose()


def test_the_pages_read_and_write_rows_and_change_no_table(pages):
    schema.require_current(pages)
    assert settle(pages).users
    with transaction(pages) as session:
        assert next_seq(session)
        session.execute(text("DELETE FROM service_command"))
    for wanted in ("DROP TABLE area", "ALTER TABLE area ADD x int", "CREATE TABLE mine (x int)"):
        with (
            pytest.raises(ProgrammingError, match=r"must be owner|permission denied"),
            pages.begin() as connection,
        ):
            connection.execute(text(wanted))
