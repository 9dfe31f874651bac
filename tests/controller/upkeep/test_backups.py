"""A backup holds everything, and a restore lets nobody hear an old number again."""

import io
import json
import tarfile
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from audio_library.store import Store
from controller.database import open_engine, reading, transaction
from controller.errors import BadInput, ControllerError
from controller.keys.signing import Keyring, load_or_create
from controller.models import User
from controller.sequence import RESTORE_JUMP, next_seq
from controller.settings import load
from controller.upkeep import backups, recovery
from tests.support.commune import migrated_engine, settle

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
PASSPHRASE = "abcd-efgh-ijkl-mnop"


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
    load_or_create(settings.pack_key_file)
    return settings


@pytest.fixture
def elsewhere(tmp_path):
    return load({"LOALANG_DATA_DIR": str(tmp_path / "new")})


@pytest.fixture
def sealed(settings):
    """The same, after somebody chose a recovery passphrase."""
    recovery.choose(settings, PASSPHRASE)
    return settings


def texts_of(path):
    """Every file of a backup by name."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_what_was_backed_up_comes_back(sealed, elsewhere, tmp_path):
    settings = sealed
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    assert (made.keys, made.path.stat().st_mode & 0o777) == (True, 0o600)
    done = backups.restore(elsewhere, made.path, lambda: PASSPHRASE)
    assert (done.keys, done.made_at) == (True, NOW.isoformat())
    assert elsewhere.pack_key_file.read_bytes() == settings.pack_key_file.read_bytes()
    assert elsewhere.signing_key_file.read_bytes() == settings.signing_key_file.read_bytes()
    assert elsewhere.signing_key_file.stat().st_mode & 0o777 == 0o600
    [sha256] = Store(elsewhere.store_dir).hashes()
    with Store(elsewhere.store_dir).open(sha256) as sound:
        assert sound.read() == b"sound"
    engine = open_engine(elsewhere.database_url)
    with reading(engine) as session:
        assert "alice" in session.scalars(select(User.username)).all()
    engine.dispose()
    assert not list(elsewhere.signing_key_file.parent.glob("restore-*"))
    assert not list(tmp_path.glob(".*"))


def test_no_key_lies_open_in_a_backup(sealed, tmp_path):
    sealed.factor_box.lock("A" * 32, "u1")
    secrets = [path.read_text().strip() for path in sealed.signing_key_file.parent.glob("*.key")]
    assert len(secrets) == 4
    content = (backups.write(sealed, tmp_path / "all.tar", NOW).path).read_bytes()
    for secret in secrets:
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content


def test_without_a_passphrase_no_key_is_in_it(settings, elsewhere, tmp_path):
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    assert not made.keys
    assert not [name for name in texts_of(made.path) if name.startswith(("keys", "sealed"))]
    assert not backups.restore(elsewhere, made.path, lambda: PASSPHRASE).keys


def test_another_passphrase_opens_nothing_and_leaves_nothing(sealed, elsewhere, tmp_path):
    made = backups.write(sealed, tmp_path / "all.tar", NOW)
    with pytest.raises(ControllerError, match="not the recovery passphrase"):
        backups.restore(elsewhere, made.path, lambda: PASSPHRASE + "x")
    assert not elsewhere.signing_key_file.exists()
    assert not (elsewhere.data_dir / "loalang.db").exists()
    done = backups.restore(elsewhere, made.path)  # the data, without the keys
    assert not done.keys
    assert not elsewhere.signing_key_file.exists()


def test_the_passphrase_is_typed_as_it_was_written_down(sealed, elsewhere, tmp_path):
    made = backups.write(sealed, tmp_path / "all.tar", NOW)
    assert backups.restore(elsewhere, made.path, lambda: f" {PASSPHRASE.upper()} \n").keys


def test_the_same_passphrase_holds_for_the_backups_after_a_restore(sealed, elsewhere, tmp_path):
    backups.restore(elsewhere, backups.write(sealed, tmp_path / "1", NOW).path, lambda: PASSPHRASE)
    third = load({"LOALANG_DATA_DIR": str(tmp_path / "third")})
    again = backups.write(elsewhere, tmp_path / "2", NOW)
    assert backups.restore(third, again.path, lambda: PASSPHRASE).keys
    assert third.signing_key_file.read_bytes() == sealed.signing_key_file.read_bytes()


def test_nobody_else_seals_keys_in_our_place(sealed, elsewhere, tmp_path):
    """Whoever has the pages can seal for the passphrase's owner, but not as the service."""
    foreign = load({"LOALANG_DATA_DIR": str(tmp_path / "foreign")})
    load_or_create(foreign.signing_key_file)
    recovery.choose(foreign, "quite another passphrase")
    made = backups.write(sealed, tmp_path / "all.tar", NOW)
    content = texts_of(made.path)
    content["sealed/service.json"] = (foreign.service_dir / "keys.sealed").read_bytes()
    with tarfile.open(made.path, "w") as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    with pytest.raises(ControllerError, match="not a whole backup"):
        backups.restore(elsewhere, made.path, lambda: PASSPHRASE)


def test_a_backup_of_before_with_its_open_keys_still_comes_back(settings, elsewhere, tmp_path):
    content = texts_of(backups.write(settings, tmp_path / "all.tar", NOW).path)
    content["manifest.json"] = json.dumps({"format": 1, "made_at": NOW.isoformat()}).encode()
    content["keys/controller.key"] = settings.signing_key_file.read_bytes()
    content["keys/web.key"] = b"w" * 32
    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    assert backups.restore(elsewhere, tmp_path / "old.tar").keys
    assert elsewhere.signing_key_file.read_bytes() == settings.signing_key_file.read_bytes()
    assert elsewhere.secret_key_file.read_bytes() == b"w" * 32


def test_a_short_passphrase_is_refused(settings):
    with pytest.raises(BadInput, match="16 letters"):
        recovery.choose(settings, "x" * 15)
    assert len(recovery.invented()) == 24


def test_every_key_of_a_rotation_and_the_one_of_second_factors_comes_back(
    sealed, elsewhere, tmp_path
):
    settings = sealed
    ring = Keyring(settings.signing_key_file)
    ring.rotate()
    ring.finish()
    ring.rotate()
    settings.factor_box.lock("A" * 32, "u1")
    made = backups.write(settings, tmp_path / "all.tar", NOW)
    backups.restore(elsewhere, made.path, lambda: PASSPHRASE)
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
    assert made.files == 2


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
        assert not list(elsewhere.signing_key_file.parent.glob("restore-*"))


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
