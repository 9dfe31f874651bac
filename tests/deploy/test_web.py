"""The pages' server: threads for the streams, and nothing in a home folder."""

from controller.settings import load
from deploy import web


def settings_in(folder, monkeypatch, **more):
    for name, value in {"DATA_DIR": folder, "LANGUAGE": "en", **more}.items():
        monkeypatch.setenv(f"LOALANG_{name}", str(value))


def test_gunicorn_takes_every_option(tmp_path):
    pages = web.Pages(load({"LOALANG_DATA_DIR": str(tmp_path), "LOALANG_BIND": "127.0.0.1:8099"}))
    assert pages.cfg.bind == ["127.0.0.1:8099"]
    assert (pages.cfg.workers, pages.cfg.threads) == (1, 32)
    assert pages.cfg.control_socket_disable is True
    assert set(web.options(load({}))) <= set(pages.cfg.settings)


def test_check_config_prints_the_values_without_secrets(tmp_path, monkeypatch, capsys):
    settings_in(tmp_path, monkeypatch, BROKER_PASSWORD="s3cret")
    assert web.main(["check-config"]) == 0
    shown = capsys.readouterr().out
    assert f"data_dir = {tmp_path}" in shown
    assert "s3cret" not in shown


def test_bad_settings_are_wrong_use(tmp_path, monkeypatch, capsys):
    settings_in(tmp_path, monkeypatch, BIND="nowhere", SITE="a/b")
    assert web.main(["check-config"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_an_old_database_is_told_before_serving(tmp_path, monkeypatch, capsys):
    settings_in(tmp_path, monkeypatch)
    monkeypatch.setattr(web, "Pages", None)  # would fail if it were reached
    assert web.main([]) == 1
    assert "loalang migrate" in capsys.readouterr().err
