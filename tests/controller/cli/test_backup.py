"""`loalang backup` and `restore`."""

from controller.database import open_engine
from controller.one_service import only_service


def test_a_backup_comes_back_in_an_empty_folder(run, tmp_path, monkeypatch, settings):
    file = tmp_path / "all.tar"
    assert run("backup", file, "--json").json["file"] == str(file)
    monkeypatch.setenv("LOALANG_DATA_DIR", str(tmp_path / "new"))
    done = run("restore", file)
    assert done.status == 0, done.err
    assert "start the service" in done.out
    assert "erin" in run("user", "list").out


def test_the_keys_go_with_it_once_a_passphrase_is_chosen(run, tmp_path, monkeypatch, settings):
    assert "NOT in this file" in run("backup", tmp_path / "bare.tar").out
    run("keys", "list")  # makes the first key, as the service's first start does
    said = tmp_path / "passphrase"
    said.write_text("abcd-efgh-ijkl-mnop\n")
    assert run("keys", "passphrase", "--file", said).status == 0
    file = tmp_path / "all.tar"
    assert run("backup", file, "--json").json["keys"] is True
    own = settings.signing_key_file.read_bytes()
    monkeypatch.setenv("LOALANG_DATA_DIR", str(tmp_path / "new"))
    assert run("restore", file, "--passphrase-file", said, "--json").json["keys"] is True
    assert (tmp_path / "new" / "keys" / "controller.key").read_bytes() == own


def test_the_keys_alone_come_back_where_the_database_has_ways_of_its_own(
    run, tmp_path, monkeypatch, settings
):
    run("keys", "list")
    said = tmp_path / "passphrase"
    said.write_text("abcd-efgh-ijkl-mnop\n")
    run("keys", "passphrase", "--file", said)
    copies = tmp_path / "copies"
    copies.mkdir()
    for name in ("keys.sealed", "recovery.json"):
        (copies / name).write_bytes((settings.service_dir / name).read_bytes())
    back = ("restore", copies, "--keys-only", "--passphrase-file", said)
    assert "move it away" in run(*back).err
    own = settings.signing_key_file.read_bytes()
    monkeypatch.setenv("LOALANG_DATA_DIR", str(tmp_path / "new"))
    assert run(*back).status == 0
    assert (tmp_path / "new" / "keys" / "controller.key").read_bytes() == own
    monkeypatch.setenv("LOALANG_DATA_DIR", str(tmp_path / "third"))
    (copies / "keys.sealed").write_text("{}")
    assert "choose another copy" in run(*back).err
    assert not (tmp_path / "third" / "keys" / "controller.key").exists()


def test_a_passphrase_is_made_up_for_who_chooses_none(run):
    assert len(run("keys", "passphrase", "--json").json["passphrase"]) == 24


def test_a_restore_beside_a_running_service_is_refused(run, tmp_path, monkeypatch):
    file = tmp_path / "all.tar"
    run("backup", file)
    folder = tmp_path / "new"
    monkeypatch.setenv("LOALANG_DATA_DIR", str(folder))
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder / 'loalang.db'}")
    with only_service(engine, folder / "run"):
        refused = run("restore", file)
    engine.dispose()
    assert refused.status == 1
    assert "stop that one first" in refused.err
    assert not (folder / "loalang.db").exists()
