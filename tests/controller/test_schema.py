"""Migrations and models agree, forwards and back, and an old database is not served."""

import pytest
from sqlalchemy import inspect

from controller import database, schema
from controller.errors import ControllerError
from controller.models import Base


@pytest.fixture
def engine(tmp_path):
    engine = database.open_engine(database.sqlite_url(tmp_path / "loalang.db"))
    yield engine
    engine.dispose()


def test_the_migrations_make_exactly_what_the_models_say(engine):
    schema.upgrade(engine)
    assert schema.differences(engine) == []
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())


def test_the_schema_goes_back_and_forth(engine):
    schema.upgrade(engine)
    schema.downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    schema.upgrade(engine)
    schema.require_current(engine)


def test_an_old_database_is_not_served(engine):
    with pytest.raises(ControllerError, match="loalang migrate"):
        schema.require_current(engine)
