"""Inserting what is missing leaves what is there alone, on both databases."""

import pytest
from sqlalchemy import select

from controller import schema
from controller.database import open_engine, transaction
from controller.models import Setting
from controller.upsert import insert_missing
from tests.support.postgres import running_postgres


@pytest.fixture
def on_postgresql():
    with running_postgres() as server:
        engine = open_engine(server.database("upsert"))
        schema.upgrade(engine)
        yield engine
        engine.dispose()


def check(engine):
    with transaction(engine) as session:
        insert_missing(session, Setting, [{"name": "a", "value": {"v": 1}}])
    with transaction(engine) as session:
        rows = [{"name": "a", "value": {"v": 2}}, {"name": "b", "value": {"v": 3}}]
        insert_missing(session, Setting, rows)
        insert_missing(session, Setting, [])
        found = {row.name: row.value for row in session.scalars(select(Setting))}
    assert found == {"a": {"v": 1}, "b": {"v": 3}}


def test_rows_that_are_there_stay_as_they_are_on_sqlite(engine):
    check(engine)


@pytest.mark.postgres
def test_rows_that_are_there_stay_as_they_are_on_postgresql(on_postgresql):
    check(on_postgresql)
