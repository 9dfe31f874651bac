"""The administration over a migrated database, called as the shell calls it."""

import io
import json
import shutil
import sys
from dataclasses import dataclass

import pytest

from controller import cli
from controller.database import open_engine
from controller.settings import load
from tests.support.commune import migrated_engine, settle


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self):
        assert self.status == 0, self.err
        return json.loads(self.out)


@pytest.fixture(scope="session")
def settled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settled")
    engine = migrated_engine(folder)
    commune = settle(engine)
    engine.dispose()
    return folder / "loalang.db", commune


@pytest.fixture
def commune(settled):
    return settled[1]


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("LOALANG_DATA_DIR", str(folder))
    monkeypatch.setenv("LOALANG_LANGUAGE", "en")
    return folder


@pytest.fixture
def settings(data_dir, settled):
    shutil.copy(settled[0], data_dir / "loalang.db")
    return load({"LOALANG_DATA_DIR": str(data_dir)})


@pytest.fixture
def engine(settings):
    engine = open_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def run(settings, capsys, monkeypatch):
    """run("user", "list", "--json") → status, out, err; `typed` is standard input."""

    def call(*words, typed=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        status = cli.main([str(word) for word in words])
        told = capsys.readouterr()
        return Outcome(status, told.out, told.err)

    return call
