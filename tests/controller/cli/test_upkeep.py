"""`loalang migrate`, and what an old database says."""

from controller import cli


def test_an_empty_folder_is_migrated(data_dir, capsys):
    assert cli.main(["user", "list"]) == 1
    assert "loalang migrate" in capsys.readouterr().err
    assert cli.main(["migrate"]) == 0
    assert cli.main(["user", "list"]) == 0
    assert cli.main(["migrate"]) == 0


def test_bad_settings_are_wrong_use(data_dir, capsys, monkeypatch):
    monkeypatch.setenv("LOALANG_SITE", "a/b")
    monkeypatch.setenv("LOALANG_BIND", "x")
    assert cli.main(["user", "list"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_sentences_come_in_the_shells_language(data_dir, capsys, monkeypatch):
    monkeypatch.setenv("LOALANG_LANGUAGE", "vi")
    assert cli.main(["user", "list"]) == 1
    assert "hãy chạy «loalang migrate»" in capsys.readouterr().err
