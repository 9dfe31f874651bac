"""Two writers never see "database is locked", and what was promised is on disk."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text

from controller import database, schema
from controller.errors import ControllerError
from controller.models import Change, SaidSequence, Setting
from controller.sequence import RESTORE_JUMP, jump_after_restore, next_seq

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def migrated(tmp_path):
    engine = database.open_engine(database.sqlite_url(tmp_path / "loalang.db"))
    schema.upgrade(engine)
    yield engine
    engine.dispose()


def test_sqlite_writes_through_to_the_card(migrated):
    with migrated.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_many_writers_at_once_each_get_their_own_number(migrated):
    numbers = []

    def write():
        for _ in range(20):
            with database.transaction(migrated) as session:
                numbers.append(next_seq(session))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 81))


def test_a_failed_transaction_leaves_nothing(migrated):
    with pytest.raises(RuntimeError), database.transaction(migrated) as session:
        next_seq(session)
        raise RuntimeError("power cut")
    with database.transaction(migrated) as session:
        assert next_seq(session) == 1


def test_reading_holds_up_no_writer(migrated):
    with database.reading(migrated) as reader:
        assert reader.scalar(select(SaidSequence)) is None
        with database.transaction(migrated) as session:
            next_seq(session)


def test_times_come_back_aware_and_in_utc(migrated):
    local = NOW.astimezone(timezone(timedelta(hours=7)))
    with database.transaction(migrated) as session:
        session.add(Change(at=local, kind="node", subject_id="n"))
    with database.reading(migrated) as session:
        found = session.scalars(select(Change)).one()
    assert found.at == NOW
    assert found.at.tzinfo is UTC


def test_a_naive_time_is_refused(migrated):
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(Exception, match="naive"), database.transaction(migrated) as session:
        session.add(Change(at=naive, kind="node", subject_id="n"))


def test_after_a_restore_nodes_have_seen_no_higher_number(migrated):
    with database.transaction(migrated) as session:
        before = next_seq(session)
        jump_after_restore(session)
        assert next_seq(session) == before + RESTORE_JUMP + 1


def test_another_database_is_refused_with_a_remedy():
    with pytest.raises(ControllerError, match="postgresql"):
        database.open_engine("mysql://localhost/loa")


def test_json_comes_back_as_it_was(migrated):
    with database.transaction(migrated) as session:
        session.add(Setting(name="word", value={"village": "thôn"}))
    with database.reading(migrated) as session:
        assert session.get_one(Setting, "word").value == {"village": "thôn"}
