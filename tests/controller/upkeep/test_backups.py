"""A backup holds everything, and a restore lets nobody hear an old number again."""

import io
import tarfile
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from audio_library.store import Store
from controller.database import open_engine, reading, transaction
from controller.errors import ControllerError
from controller.keys.signing import Keyring, load_or_create
from controller.models import User
from controller.sequence import RESTORE_JUMP, next_seq
from controller.settings import load
from controller.upkeep import backups
from tests.support.commune import migrated_engine, settle

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    """A controller with people, a sound, and keys."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    settings = load({"LOALANG_DATA_DIR": str(data_dir)})
    engine = migrated_engine(data_dir)
    settle(engine)
    with transaction(engine) as session:
        next_seq(session)
    engine.dispose()
    Store(settings.store_dir).put_bytes(b"sound")
    load_or_create(settings.signing_key_file)
    return settings


@pytest.fixture
def elsewhere(tmp_path):
    return load({"LOALANG_DATA_DIR": str(tmp_path / "new")})


def test_what_was_backed_up_comes_back(settings, elsewhere, tmp_path):
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    assert (made.files, made.path.stat().st_mode & 0o777) == (3, 0o600)
    done = backups.restore(elsewhere, made.path)
    assert (done.files, done.made_at) == (3, NOW.isoformat())
    assert elsewhere.signing_key_file.read_bytes() == settings.signing_key_file.read_bytes()
    assert elsewhere.signing_key_file.stat().st_mode & 0o777 == 0o600
    [sha256] = Store(elsewhere.store_dir).hashes()
    with Store(elsewhere.store_dir).open(sha256) as sound:
        assert sound.read() == b"sound"
    engine = open_engine(elsewhere.database_url)
    with reading(engine) as session:
        assert "alice" in session.scalars(select(User.username)).all()
    engine.dispose()
    assert list(elsewhere.temporary_dir.iterdir()) == []


def test_every_key_of_a_rotation_and_the_one_of_second_factors_comes_back(
    settings, elsewhere, tmp_path
):
    ring = Keyring(settings.signing_key_file)
    ring.rotate()
    ring.finish()
    ring.rotate()
    settings.factor_box.lock("A" * 32, "u1")
    backups.restore(elsewhere, backups.write(settings, tmp_path / "all.tar", NOW).path)
    again = Keyring(elsewhere.signing_key_file)
    assert [key.raw for key in again.vouching] == [key.raw for key in ring.vouching]
    assert len(again.signing) == 2
    kept = settings.factor_box.lock("B" * 32, "u1")
    assert elsewhere.factor_box.open(kept, "u1") == "B" * 32


def test_the_number_that_orders_everything_jumps(settings, elsewhere, tmp_path):
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    backups.restore(elsewhere, made.path)
    engine = open_engine(elsewhere.database_url)
    with transaction(engine) as session:
        assert next_seq(session) == 1 + RESTORE_JUMP + 1
    engine.dispose()


def test_a_backup_is_taken_while_somebody_writes(settings, tmp_path):
    engine = open_engine(settings.database_url)
    with transaction(engine) as session:
        next_seq(session)
        made = backups.write(settings, tmp_path / "all.tar", NOW)
    engine.dispose()
    assert made.files == 3


def test_nothing_is_overwritten(settings, tmp_path):
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    with pytest.raises(ControllerError, match="exists"):
        backups.write(settings, made.path, NOW)
    with pytest.raises(ControllerError, match="move it away"):
        backups.restore(settings, made.path)


def test_a_backup_cut_short_is_refused_and_leaves_nothing(settings, elsewhere, tmp_path):
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    whole = made.path.read_bytes()
    for length in (0, 100, 1500, len(whole) // 2):
        made.path.write_bytes(whole[:length])
        with pytest.raises(ControllerError, match="not a whole backup"):
            backups.restore(elsewhere, made.path)
        assert not (elsewhere.data_dir / "loalang.db").exists()
        assert list(elsewhere.temporary_dir.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "keys/other.key", "store/aa/x", "a"])
def test_a_file_of_another_name_is_no_part_of_a_backup(elsewhere, tmp_path, name):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(ControllerError):
        backups.restore(elsewhere, path)


def test_a_link_is_no_part_of_a_backup(elsewhere, tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("loalang.db")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(ControllerError):
        backups.restore(elsewhere, path)


def test_postgresql_has_its_own_tools(settings, tmp_path):
    other = load({**settings.environ(), "LOALANG_DATABASE_URL": "postgresql://db/loalang"})
    with pytest.raises(ControllerError, match="pg_dump"):
        backups.write(other, tmp_path / "all.tar", NOW)


def test_a_missing_database_is_told(elsewhere, tmp_path):
    with pytest.raises(ControllerError, match="LOALANG_DATA_DIR"):
        backups.write(elsewhere, tmp_path / "all.tar", NOW)
    assert not (tmp_path / "all.tar").exists()
