"""Two services never work on one database."""

import threading

import pytest
from sqlalchemy import text

from controller.database import open_engine, sqlite_url
from controller.errors import ControllerError
from controller.one_service import Lead, leading, only_service
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


@pytest.mark.postgres
def test_a_second_service_stands_by_until_the_first_is_gone(tmp_path):
    with running_postgres() as server:
        url = server.database("lead")
        first, second = open_engine(url), open_engine(url)
        stop, looked = threading.Event(), threading.Event()
        took = threading.Event()

        def stand_by():
            with leading(second, tmp_path, stop, looked.set) as keeps:
                assert keeps()
                took.set()

        with leading(first, tmp_path, stop, lambda: None) as keeps:
            assert keeps()
            other = threading.Thread(target=stand_by)
            other.start()
            assert looked.wait(10)
            assert not took.is_set()
        assert took.wait(10)
        other.join(10)
        first.dispose()
        second.dispose()


@pytest.mark.postgres
def test_a_leader_whose_connection_was_cut_takes_the_lead_again_or_stops(tmp_path):
    with running_postgres() as server:
        url = server.database("cut")
        ours, theirs = open_engine(url), open_engine(url)
        first, second = Lead(ours), Lead(theirs)
        assert first.take()
        assert not second.take()
        cut_all_but_mine(theirs)
        assert first.keep()  # nobody else wanted it
        cut_all_but_mine(theirs)
        assert second.take()
        assert not first.keep()
        first.release()
        second.release()
        ours.dispose()
        theirs.dispose()


def cut_all_but_mine(engine):
    """As a restarted server does; back when they are gone, with what they held."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
