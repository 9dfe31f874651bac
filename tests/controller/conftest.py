"""A migrated database with a commune in it, fresh for every test."""

import shutil

import pytest
from sqlalchemy.orm import Session

from audio_library.store import Store
from controller.database import open_engine, sqlite_url
from tests.controller.factories import Cast, settled_database


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A database file, migrated and settled once: copying it is quicker than migrating."""
    return settled_database(tmp_path_factory.mktemp("template") / "loalang.db")


@pytest.fixture
def engine(template, tmp_path):
    """The engine of a database of this test's own."""
    path = tmp_path / "loalang.db"
    shutil.copy(template.path, path)
    engine = open_engine(sqlite_url(path))
    yield engine
    engine.dispose()


@pytest.fixture
def cast(template):
    """Who acts, and the areas' ids by name."""
    return Cast(template.actors, template.areas)


@pytest.fixture
def session(engine):
    """A session whose changes stay in this test's database."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@pytest.fixture
def store(tmp_path):
    """An empty content store."""
    return Store(tmp_path / "store")
