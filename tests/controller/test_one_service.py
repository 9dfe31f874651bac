"""Two services never work on one database."""

import pytest

from controller.database import open_engine, sqlite_url
from controller.errors import ControllerError
from controller.one_service import only_service
from tests.support.postgres import running_postgres


def test_a_second_service_on_the_same_files_is_refused(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "x.db"))
    with only_service(engine, tmp_path / "run"):
        refused(engine, tmp_path / "run")
    with only_service(engine, tmp_path / "run"):
        pass
    engine.dispose()


@pytest.mark.postgres
def test_a_second_service_on_the_same_postgresql_is_refused(tmp_path):
    with running_postgres() as server:
        url = server.database("one")
        first, second = open_engine(url), open_engine(url)
        with only_service(first, tmp_path / "a"):
            refused(second, tmp_path / "b")
        with only_service(second, tmp_path / "b"):
            pass
        first.dispose()
        second.dispose()


def refused(engine, run_dir):
    with pytest.raises(ControllerError, match="Another"), only_service(engine, run_dir):
        raise AssertionError("two services at once")
