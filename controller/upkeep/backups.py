"""Backup and restore: database, sound files and sealed keys in one tar, and back.

The keys are in it only where somebody chose a recovery passphrase, and open to nobody without it
(controller.recovery); a backup of an earlier version, with the keys as they are, is still restored.

The database is copied online (SQLite's own backup), before the files: every sound a row names was
stored before the row. A restore works beside what is there and moves it into place at the end;
then it jumps the number that orders everything said to nodes, because they have heard more than
the backup knows. PostgreSQL has tools of its own for the database (pg_dump).
"""

import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url

from controller import database, schema, sequence
from controller.accounts import second_factor
from controller.errors import ControllerError
from controller.settings import Settings
from controller.upkeep import recovery

_FORMAT: Final = 2
_READABLE: Final = (1, 2)  # 1: the keys lay in it as they are
_DATABASE: Final = "loalang.db"
_MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(
    r"manifest\.json|loalang\.db|keys/[a-z0-9.-]+\.key|sealed/[a-z]+\.json"
    r"|store/[0-9a-f]{2}/[0-9a-f]{64}"
)
_SECRET_MODE: Final = 0o600
_DATABASE_MODE: Final = 0o660  # less what the umask takes away
_SOUND_MODE: Final = 0o440


@dataclass(frozen=True, slots=True)
class Summary:
    """What went into a backup, or came out of it."""

    path: Path
    files: int
    bytes: int
    made_at: str
    keys: bool  # whether the keys are among it


Passphrase = Callable[[], str]


def write(settings: Settings, path: Path, now: datetime) -> Summary:
    """Write the tar (mode 0600), whole or not at all. Raises ControllerError."""
    source = _database_path(settings)
    if path.exists():
        raise ControllerError(
            "backup_exists",
            f"Tệp {path} đã có: hãy chọn tên khác.",
            f"The file {path} exists: choose another name.",
        )
    # Beside the target: where somebody else may write, they could put another file in its place.
    copy = path.with_name(f".backup-{secrets.token_hex(8)}.db")
    part = path.with_name(path.name + ".part")
    sealed = recovery.for_backup(settings)
    try:
        _copy_database(source, copy)
        files = [(_DATABASE, copy), *_sounds(settings)]
        _write_tar(part, files, sealed, now)
        part.replace(path)
        _sync(path.parent)
    finally:
        copy.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    count = len(files) + len(sealed)
    return Summary(path, count, path.stat().st_size, now.isoformat(), bool(sealed))


def restore(settings: Settings, path: Path, passphrase: Passphrase | None = None) -> Summary:
    """Bring a backup back into an empty data folder. Raises ControllerError.

    `passphrase` is asked where keys are sealed; None: they stay out. Steps: unpack beside → look
    whether the database is whole → open the keys → move sounds, keys and, last, the database into
    place → upgrade it → jump the sequence. Cut off before the last move, nothing is there yet and
    it can be run again.
    """
    target = _database_path(settings)
    if target.exists():
        raise ControllerError(
            "not_empty",
            f"Đã có cơ sở dữ liệu ở {target}: hãy chuyển nó đi nơi khác rồi khôi phục.",
            f"There is a database at {target}: move it away, then restore.",
        )
    with _unpacked(settings, path) as (folder, manifest):
        _require_whole(folder / _DATABASE)
        if passphrase is not None and (folder / recovery.FOLDER).is_dir():
            _open_keys(settings, folder, passphrase())
        keys = (folder / "keys" / "controller.key").exists()
        count = _move_files(settings, folder)
        _move(folder / _DATABASE, target, _DATABASE_MODE)
    engine = database.open_engine(settings.database_url)
    try:
        schema.upgrade(engine)
        with database.transaction(engine) as session:
            sequence.jump_after_restore(session)
            second_factor.lock_all(session, settings.factor_box)
    finally:
        engine.dispose()
    made_at = str(manifest.get("made_at", ""))
    return Summary(path, count + 1, path.stat().st_size, made_at, keys)


# --- writing -----------------------------------------------------------------------------------


def _database_path(settings: Settings) -> Path:
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise ControllerError(
            "not_sqlite",
            "Cơ sở dữ liệu là PostgreSQL: hãy sao lưu bằng pg_dump, cùng thư mục store và keys.",
            "The database is PostgreSQL: back it up with pg_dump, with the folders store and keys.",
        )
    return Path(url.database)


def _copy_database(source: Path, target: Path) -> None:
    import pysqlite3.dbapi2 as sqlite

    if not source.exists():
        raise ControllerError(
            "no_database",
            f"Chưa có cơ sở dữ liệu ở {source}: hãy kiểm tra LOALANG_DATA_DIR.",
            f"There is no database at {source}: check LOALANG_DATA_DIR.",
        )
    target.touch(mode=0o600)
    with closing(sqlite.connect(str(source))) as live, closing(sqlite.connect(str(target))) as copy:
        live.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")


def _sounds(settings: Settings) -> list[tuple[str, Path]]:
    """Name in the tar → file of every stored sound; what can be made again stays out."""
    sounds = sorted(path for path in settings.store_dir.glob("??/*") if len(path.name) == 64)
    return [(f"store/{path.parent.name}/{path.name}", path) for path in sounds]


def _write_tar(
    part: Path, files: list[tuple[str, Path]], sealed: dict[str, bytes], now: datetime
) -> None:
    manifest = {"format": _FORMAT, "made_at": now.isoformat(), "files": len(files) + len(sealed)}
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, text in {_MANIFEST: json.dumps(manifest).encode(), **sealed}.items():
                head = tarfile.TarInfo(name)
                head.size, head.mode, head.mtime = len(text), 0o600, int(now.timestamp())
                tar.addfile(head, BytesIO(text))
            for name, path in files:
                tar.add(path, arcname=name, recursive=False)
        out.flush()
        os.fsync(descriptor)


# --- restoring ---------------------------------------------------------------------------------


@contextmanager
def _unpacked(settings: Settings, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    # Among the keys, where nobody else may write while it is unpacked.
    folder = settings.signing_key_file.parent / f"restore-{secrets.token_hex(4)}"
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(mode=0o700)
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                _unpack(tar, member, folder)
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest.get("format") not in _READABLE:
            raise ValueError("another format")
        yield folder, manifest
    except (tarfile.TarError, ValueError, KeyError, FileNotFoundError) as error:
        raise ControllerError(
            "bad_backup",
            f"{path} không phải bản sao lưu nguyên vẹn của Loa Làng: hãy chọn bản khác.",
            f"{path} is not a whole backup of Loa Làng: choose another one.",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """One plain file under a name of ours; links, devices and ways out are no backup."""
    source = tar.extractfile(member) if member.isfile() else None
    if source is None or not _NAME.fullmatch(member.name):
        raise ValueError("not a file of a backup")
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("xb") as out:
        shutil.copyfileobj(source, out)


def _open_keys(settings: Settings, folder: Path, passphrase: str) -> None:
    """The sealed keys beside the open ones of earlier versions, to be moved like them."""
    made, found = recovery.opened(folder / recovery.FOLDER, passphrase)
    (folder / "keys").mkdir(mode=0o700, exist_ok=True)
    for name, content in found.items():
        if not _NAME.fullmatch(f"keys/{name}"):
            raise ValueError("not a key of ours")
        (folder / "keys" / name).write_text(content, encoding="ascii")
    recovery.keep(settings, (folder / recovery.FOLDER / "recovery.json").read_bytes(), made)


def _require_whole(path: Path) -> None:
    import pysqlite3.dbapi2 as sqlite

    try:
        with closing(sqlite.connect(f"file:{path}?mode=ro", uri=True)) as copy:
            [(verdict,)] = copy.execute("PRAGMA integrity_check").fetchmany(1)
    except sqlite.Error as error:
        raise ValueError("the database is damaged") from error
    if verdict != "ok":
        raise ValueError("the database is damaged")


def _move_files(settings: Settings, folder: Path) -> int:
    count = 0
    for source in sorted((folder / "keys").glob("*.key")):
        _move(source, _place_of(source.name, settings), _SECRET_MODE)
        count += 1
    for sound in sorted((folder / "store").glob("??/*")):
        _move(sound, settings.store_dir / sound.parent.name / sound.name, _SOUND_MODE)
        count += 1
    return count


def _place_of(name: str, settings: Settings) -> Path:
    """Where a key of a backup belongs; during a rotation there are several to sign with."""
    if name == "web.key":
        return settings.secret_key_file
    if name == "factor.key":
        return settings.factor_key_file
    if name == "packs.key":
        return settings.pack_key_file
    own = settings.signing_key_file
    return own if name == "controller.key" else own.with_name(own.stem + name[len("controller") :])


def _move(source: Path, target: Path, mode: int) -> None:
    """Into place, whole: the temporary folder may be on another disk than the target."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with source.open("rb") as data, os.fdopen(descriptor, "wb") as out:
        shutil.copyfileobj(data, out)
        out.flush()
        os.fsync(descriptor)
    part.replace(target)
    _sync(target.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
