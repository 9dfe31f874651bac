"""The folders of two users: modes, and what an installation of one user becomes."""

import io
import os
import stat
import tarfile

import pytest

from controller.settings import load
from deploy import folders

ME = folders.Owners(os.geteuid(), os.getegid(), os.geteuid(), os.getegid())


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "controller.toml"
    path.write_text(f'data_dir = "{tmp_path}/lib"\nbind = "127.0.0.1:8080"\n')
    return path


def modes(root):
    return {
        str(path.relative_to(root)): stat.S_IMODE(path.lstat().st_mode)
        for path in (root, *root.rglob("*"))
    }


def fill(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o600)


def laid(config):
    folders.adopt(config)
    settings = load({}, config)
    moved = folders.move(settings)
    folders.lay(settings, ME)
    return settings, moved


def test_the_settings_are_given_their_folders_once(config, tmp_path):
    assert len(folders.adopt(config)) == 3
    assert folders.adopt(config) == []
    settings = load({}, config)
    assert settings.service_dir == tmp_path / "lib-service"
    assert settings.signing_key_file == tmp_path / "lib-service/keys/controller.key"
    assert settings.wake_path == tmp_path / "lib-service/run/service.sock"
    assert settings.factor_key_file == tmp_path / "lib-web/factor.key"


def test_the_settings_stay_readable_for_who_read_them(config):
    other = next((gid for gid in os.getgroups() if gid != os.getegid()), os.getegid())
    os.chown(config, -1, 61003 if os.geteuid() == 0 else other)
    config.chmod(0o640)
    before = config.stat()
    folders.adopt(config)
    after = config.stat()
    assert (after.st_gid, after.st_mode) == (before.st_gid, before.st_mode)


def test_what_somebody_set_stays(config, tmp_path):
    with config.open("a") as file:
        file.write(f'factor_key_file = "{tmp_path}/own/factor.key"\n')
    assert folders.adopt(config) == ["service_dir", "secret_key_file"]
    assert load({}, config).factor_key_file == tmp_path / "own/factor.key"


def test_an_installation_of_one_user_is_moved_apart(config, tmp_path):
    old = tmp_path / "lib"
    keys = ["controller.key", "controller.next.key", "controller.retired-001.key", "packs.key"]
    fill(old / "keys", [*keys, "packs.trusted", "web.key", "factor.key"])
    fill(old, ["loalang.db", "store/ab/" + "ab" * 32, "seeded.json", "pages/cd/x", "broker/access"])
    fill(old, ["run/service.lock", "pages-ca.crt"])
    settings, _ = laid(config)
    service, web = settings.service_dir, tmp_path / "lib-web"
    assert {path.name for path in (service / "keys").iterdir()} == set(keys)
    assert {path.name for path in web.iterdir()} == {"web.key", "factor.key"}
    assert {path.name for path in old.iterdir()} == {"loalang.db", "store", "pages-ca.crt"}
    assert (service / "broker/access").exists()
    seen = modes(service)
    assert (seen["."], seen["keys"], seen["broker"], seen["run"]) == (0o2750, 0o700, 0o700, 0o2750)
    assert {seen[f"keys/{name}"] for name in keys} == {0o600}
    assert (seen["packs.trusted"], seen["pages/cd/x"], seen["seeded.json"]) == (0o640, 0o640, 0o600)
    assert set(modes(web).values()) == {0o700, 0o600}
    assert modes(old)["."] == modes(old)["store/ab"] == 0o2770
    assert modes(old)["loalang.db"] == 0o660


def test_what_root_left_in_a_restore_becomes_the_service_s(config, tmp_path):
    """A lock that only root may open would keep the service down."""
    if os.geteuid() != 0:
        pytest.skip("only root can leave something behind")
    fill(tmp_path / "lib-service/run", ["service.lock"])
    folders.adopt(config)
    settings = load({}, config)
    folders.lay(settings, folders.Owners(61001, 61001, 61002, 61003))
    status = (settings.wake_path.parent / "service.lock").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (61001, 0o600)
    assert settings.data_dir.stat().st_uid == 61001


def test_a_second_run_changes_nothing(config, tmp_path):
    fill(tmp_path / "lib/keys", ["controller.key"])
    settings, moved = laid(config)
    before = modes(tmp_path)
    _again, moved_again = laid(config)
    assert (moved, moved_again) == ([settings.signing_key_file], [])
    assert modes(tmp_path) == before


def test_a_key_that_is_in_its_place_is_never_replaced(config, tmp_path):
    fill(tmp_path / "lib-service/keys", ["controller.key"])
    fill(tmp_path / "lib/keys", ["controller.key"])
    (tmp_path / "lib/keys/controller.key").write_text("another")
    settings, _ = laid(config)
    assert settings.signing_key_file.read_text() == "controller.key"


def test_backups_with_open_keys_leave_the_pages_reach(config, tmp_path):
    backups = tmp_path / "lib/backups"
    backups.mkdir(parents=True)
    for name, member in (("old.tar", "keys/controller.key"), ("new.tar", "sealed/service.json")):
        with tarfile.open(backups / name, "w") as tar:
            tar.addfile(tarfile.TarInfo(member), io.BytesIO())
    settings, _ = laid(config)
    assert [path.name for path in backups.iterdir()] == ["new.tar"]
    kept = settings.signing_key_file.parent / "earlier-backups" / "old.tar"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_nothing_outside_is_touched_through_a_link(config, tmp_path):
    """Whoever writes in the shared folder must not lead root to another file."""
    victim = tmp_path / "victim"
    victim.mkdir()
    fill(victim, ["file", "other"])
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "link").symlink_to(victim / "file")
    (lib / "folder").symlink_to(victim)
    os.link(victim / "other", lib / "hard")
    laid(config)
    assert set(modes(victim).values()) == {stat.S_IMODE(victim.stat().st_mode), 0o600}


def test_folders_that_are_one_are_refused(config):
    settings = load({}, config)
    with pytest.raises(ValueError, match="give the service its own"):
        folders.lay(settings, ME)


def test_what_cannot_be_done_is_one_sentence(config, capsys):
    assert folders.main(["--config", str(config.with_name("none"))]) == 1
    assert "could not be laid" in capsys.readouterr().err
