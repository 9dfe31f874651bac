"""The controller's folders on a server: who owns them and who may read or write what is in them.

    python -m deploy.folders --config /etc/loalang/controller.toml

Run as root by install-controller.sh, and by loalang-controller after a restore; again and again
without harm. Two users: the service `loalang`, which holds the keys, and the pages `loalang-web`.

    data_dir      both read and write        database, recordings, uploads, the page's backups
    service_dir   the service; pages read    day pages, public keys, the socket that wakes it
      keys/       the service alone          what nodes trust, what packs are signed with
      broker/     the service alone          the broker's access list, on its way
    …-web         the pages alone            sessions' key, key of the second factors

An earlier installation had one user and one folder: what lies there is moved to its new place.
"""

import argparse
import grp
import os
import pwd
import shutil
import stat
import sys
import tarfile
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.errors import ControllerError
from controller.settings import Settings, load
from deploy.files import write_atomically

_TOLD: Final = ("packs.trusted", "packs.pub", "recovery.json", "keys.sealed")


@dataclass(frozen=True, slots=True)
class Owners:
    """User and group ids: of the service, of the pages, and the group that both belong to."""

    service: int
    service_group: int
    pages: int
    shared: int


def of_system() -> Owners:
    """As install-controller.sh makes them. Raises KeyError when they are not there."""
    service, pages = pwd.getpwnam("loalang"), pwd.getpwnam("loalang-web")
    return Owners(service.pw_uid, service.pw_gid, pages.pw_uid, grp.getgrnam("loalang-web").gr_gid)


def adopt(config: Path) -> list[str]:
    """Give a settings file of one user the folders of two; the names that were added."""
    text = config.read_text(encoding="utf-8")
    known = tomllib.loads(text)
    data_dir = str(known.get("data_dir", "/var/lib/loalang"))
    wanted = {
        "service_dir": f"{data_dir}-service",
        "secret_key_file": f"{data_dir}-web/web.key",
        "factor_key_file": f"{data_dir}-web/factor.key",
    }
    missing = [name for name in wanted if name not in known]
    if missing:
        lines = "".join(f'{name} = "{wanted[name]}"\n' for name in missing)
        # In front: what follows a table's head would belong to the table.
        before = config.stat()
        write_atomically(config, (lines + text).encode(), mode=stat.S_IMODE(before.st_mode))
        os.chown(config, before.st_uid, before.st_gid)
    return missing


def move(settings: Settings) -> list[Path]:
    """Bring what an earlier version left in one folder to its place; where things are now."""
    old, service = settings.data_dir, settings.service_dir
    keys = settings.signing_key_file.parent
    pairs = [(path, keys / path.name) for path in (old / "keys").glob("controller*.key")]
    pairs += [
        (old / "keys" / "packs.key", settings.pack_key_file),
        (old / "keys" / "packs.trusted", service / "packs.trusted"),
        (old / "keys" / "web.key", settings.secret_key_file),
        (old / "keys" / "factor.key", settings.factor_key_file),
        (old / "seeded.json", service / "seeded.json"),
        (old / "pages", service / "pages"),
        (old / "broker", service / "broker"),
    ]
    # Backups of before hold the keys as they are.
    open_ones = [path for path in (old / "backups").glob("*.tar") if _holds_keys(path)]
    pairs += [(path, keys / "earlier-backups" / path.name) for path in open_ones]
    moved = [target for source, target in pairs if _moved(source, target)]
    for empty in (old / "keys", old / "broker"):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()
    shutil.rmtree(old / "run", ignore_errors=True)
    return moved


def lay(settings: Settings, owners: Owners) -> None:
    """Make the folders that are missing and set owner, group and mode of all that is in them."""
    service, keys = settings.service_dir, settings.signing_key_file.parent
    if service == settings.data_dir:
        raise ValueError(f"service_dir is data_dir ({service}): give the service its own")
    shared, told = (None, owners.shared), (owners.service, owners.shared)
    private, pages = (owners.service, owners.service_group), (owners.pages, owners.shared)
    private_ones = {keys, settings.pack_key_file.parent, service / "broker"}
    _tree(settings.data_dir, shared, 0o2770, _as_the_owner, owners.service)
    _folder(service, told, 0o2750)
    _folder(service / "run", told, 0o2750)
    _tree(settings.day_pages_dir, told, 0o2750, lambda _mode: 0o640)
    for folder in private_ones:
        if service in folder.parents:
            _tree(folder, private, 0o700, lambda _mode: 0o600)
    _files(service, told, _TOLD, 0o640)
    _files(service, private, ("seeded.json",), 0o600)
    # Made by root where a restore held it; the service must be able to hold it next.
    _files(settings.wake_path.parent, private, ("service.lock",), 0o600)
    for folder in {settings.secret_key_file.parent, settings.factor_key_file.parent}:
        _tree(folder, pages, 0o700, lambda _mode: 0o600)


Ids = tuple[int | None, int]  # None: whoever owns it stays, unless that is root


def _as_the_owner(mode: int) -> int:
    """The group may do what the owner may, nobody else anything."""
    return (mode & 0o700) | (mode & 0o700) >> 3


def _tree(
    root: Path, ids: Ids, folder_mode: int, file_mode: Callable[[int], int], instead: int = 0
) -> None:
    """All of a folder. Nothing is followed: whoever may write there could point elsewhere."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for _path, _folders, names, descriptor in os.fwalk(root, follow_symlinks=False):
        _set(descriptor, ids, lambda _mode: folder_mode, instead)
        for name in names:
            with _opened(name, descriptor) as each:
                if each is not None:
                    _set(each, ids, file_mode, instead)


def _folder(path: Path, ids: Ids, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _set(descriptor, ids, lambda _mode: mode)
    finally:
        os.close(descriptor)


def _files(folder: Path, ids: Ids, names: Collection[str], mode: int) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names:
            with _opened(name, descriptor) as each:
                if each is not None:
                    _set(each, ids, lambda _mode: mode)
    finally:
        os.close(descriptor)


class _opened:
    """A plain file with one name, by descriptor; None for anything else."""

    def __init__(self, name: str, folder: int) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self._descriptor: int | None = os.open(name, flags, dir_fd=folder)
        except OSError:
            self._descriptor = None

    def __enter__(self) -> int | None:
        if self._descriptor is None:
            return None
        status = os.fstat(self._descriptor)
        plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        return self._descriptor if plain else None

    def __exit__(self, *_failure: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def _set(descriptor: int, ids: Ids, mode: Callable[[int], int], instead: int = 0) -> None:
    status, (user, group) = os.fstat(descriptor), ids
    if user is None:
        user = instead if status.st_uid == 0 else status.st_uid
    # The mode last: a change of owner takes bits away.
    if (status.st_uid, status.st_gid) != (user, group):
        os.fchown(descriptor, user, group)
    os.fchmod(descriptor, mode(stat.S_IMODE(status.st_mode)))


def _holds_keys(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:") as tar:
            return any(name.startswith("keys/") for name in tar.getnames())
    except (tarfile.TarError, OSError):
        return True  # who knows: out of the pages' reach


def _moved(source: Path, target: Path) -> bool:
    if not os.path.lexists(source) or _filled(target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.is_dir():
        target.rmdir()
    shutil.move(source, target)
    return True


def _filled(target: Path) -> bool:
    return any(target.iterdir()) if target.is_dir() else target.exists()


def main(arguments: list[str] | None = None) -> int:
    """0 done, 1 not. Prints what was moved."""
    parser = argparse.ArgumentParser(prog="deploy.folders", description=__doc__.split("\n\n")[0])
    parser.add_argument("--config", type=Path, default=Path("/etc/loalang/controller.toml"))
    options = parser.parse_args(arguments)
    try:
        print("".join(_done(options.config)), end="")
    except (OSError, ValueError, KeyError, ControllerError) as error:
        print(f"The controller's folders could not be laid: {error}", file=sys.stderr)
        return 1
    return 0


def _done(config: Path) -> Iterator[str]:
    adopt(config)
    settings = load({}, config)
    for target in move(settings):
        yield f"moved to {target}\n"
    lay(settings, of_system())


if __name__ == "__main__":
    raise SystemExit(main())
