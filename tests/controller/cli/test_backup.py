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
