"""The pages over a real database of each test's own, copied from one that was filled once."""

import shutil
from contextlib import closing
from dataclasses import dataclass

import pytest

from controller import schema
from controller.services import open_services
from controller.settings import load
from tests.web import village as scene
from web.app import create_app


class Clock:
    """What time it is on the pages; a test may move it."""

    def __init__(self, now=scene.NOW):
        self.now = now

    def __call__(self):
        return self.now


@dataclass(frozen=True)
class Filled:
    """A data folder to copy, and what is in it."""

    folder: object
    village: scene.Village


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    services = open_services(load({"LOALANG_DATA_DIR": str(folder)}), Clock())
    with closing(_Disposing(services.engine)):
        schema.upgrade(services.engine)
        village = scene.settle(services)
    return Filled(folder, village)


class _Disposing:
    def __init__(self, engine):
        self._engine = engine

    def close(self):
        self._engine.dispose()


@pytest.fixture
def village(filled):
    return filled.village


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(filled, tmp_path, clock):
    folder = tmp_path / "data"
    shutil.copytree(filled.folder, folder)
    app = create_app(load({"LOALANG_DATA_DIR": str(folder)}), clock)
    app.config["WTF_CSRF_ENABLED"] = False  # test_forms.py looks at the tokens themselves
    yield app
    app.extensions["loalang"].engine.dispose()


@pytest.fixture
def services(app):
    return app.extensions["loalang"]


@pytest.fixture
def visit(app, village):
    """`visit("bob")` is a browser in which Bob is signed in; `visit()` one of nobody."""

    def as_(name=None, language="vi"):
        client = app.test_client()
        with client.session_transaction() as session:
            session["language"] = language
            if name:
                session.update(scene.cookie_of(village.users[name], language))
        return client

    return as_
