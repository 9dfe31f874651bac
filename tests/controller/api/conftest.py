"""The API over a real database and store, and callers by name."""

import shutil
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask

from audio_library.store import Store
from controller import api
from controller.database import open_engine, transaction
from controller.services import Services
from controller.settings import load
from tests.controller.factories import make_clip
from tests.support.commune import NOW, migrated_engine, settle

BASE = "/api/v1"


class Clock:
    """Stands still until a test moves it."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def forward(self, **parts):
        self.now += timedelta(**parts)


@dataclass
class Caller:
    """Calls the API with one person's token."""

    client: object
    token: str | None
    language: str = "en"

    def __getattr__(self, method):
        def send(path, **more):
            headers = {"Accept-Language": self.language, **more.pop("headers", {})}
            if self.token:
                headers.setdefault("Authorization", f"Bearer {self.token}")
            return getattr(self.client, method)(BASE + path, headers=headers, buffered=True, **more)

        return send


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def settled(tmp_path_factory):
    """A database with the commune in it, made once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("settled")
    engine = migrated_engine(folder)
    commune = settle(engine)
    engine.dispose()
    return folder / "loalang.db", commune


@pytest.fixture
def services(tmp_path, clock, settled):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    shutil.copy(settled[0], data_dir / "loalang.db")
    settings = load({"LOALANG_DATA_DIR": str(data_dir), "LOALANG_MAX_UPLOAD_BYTES": "3000000"})
    engine = open_engine(settings.database_url)
    yield Services(engine, Store(settings.store_dir), settings, clock)
    engine.dispose()


@pytest.fixture
def commune(settled):
    return settled[1]


@pytest.fixture
def app(services, commune):
    app = Flask(__name__)
    app.extensions["loalang"] = services
    app.testing = True
    api.register(app)
    return app


@pytest.fixture
def call_as(app, commune):
    """call_as("alice").get("/areas"); call_as(None) has no token."""

    def caller(name, language="en"):
        token = commune.tokens[name] if name else None
        return Caller(app.test_client(), token, language)

    return caller


@pytest.fixture
def alice(call_as):
    return call_as("alice")


@pytest.fixture
def charlie(call_as):
    return call_as("charlie")


@pytest.fixture
def village(alice, commune):
    """A node in the upper village; its id."""
    body = {"name": "Cụm đình làng", "code": "HB-01", "area_id": commune.areas["upper"]}
    return alice.post("/nodes", json=body).json["id"]


@pytest.fixture
def clip(services, commune):
    """An approved clip of ten seconds; its id. The sound itself is not there."""
    with transaction(services.engine) as session:
        clip = make_clip(
            session,
            area_id=commune.areas["commune"],
            author=commune.users["erin"],
            duration_ms=10_000,
        )
        return clip.id
