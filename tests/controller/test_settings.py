"""Settings come from the environment over a file, and every mistake is told at once."""

from pathlib import Path

import pytest

from controller.settings import SettingsError, load


def test_a_data_folder_is_enough(tmp_path):
    settings = load({"LOALANG_DATA_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/loalang.db"
    assert settings.store_dir == tmp_path / "store"
    assert settings.signing_key_file == tmp_path / "keys" / "controller.key"
    assert settings.address == ("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"


def test_the_environment_beats_the_file(tmp_path):
    config = tmp_path / "loalang.toml"
    config.write_text('site = "xa-a"\nhorizon_days = 40\n')
    settings = load({"LOALANG_SITE": "xa-b"}, config)
    assert (settings.site, settings.horizon_days) == ("xa-b", 40)


def test_the_environment_may_name_the_file(tmp_path):
    config = tmp_path / "loalang.toml"
    config.write_text('site = "xa-a"\n')
    assert load({"LOALANG_CONFIG": str(config)}).site == "xa-a"


def test_all_mistakes_are_told_at_once(tmp_path):
    config = tmp_path / "loalang.toml"
    config.write_text('colour = "red"\n')
    environ = {
        "LOALANG_BROKER_URL": "http://broker",
        "LOALANG_BIND": "8080",
        "LOALANG_HORIZON_DAYS": "many",
        "LOALANG_SITE": "a/b",
        "LOALANG_LANGUAGE": "fr",
    }
    with pytest.raises(SettingsError) as refusal:
        load(environ, config)
    assert len(refusal.value.mistakes) == 6
    for name in environ:
        assert name in refusal.value.en
        assert name in refusal.value.vi
    assert "colour" in refusal.value.en


def test_a_file_that_is_not_toml_is_named(tmp_path):
    config = tmp_path / "loalang.toml"
    config.write_text("not toml")
    with pytest.raises(SettingsError, match=r"loalang\.toml cannot be read"):
        load({}, config)


def test_a_secret_may_stand_in_a_file(tmp_path):
    secret = tmp_path / "broker.password"
    secret.write_text("s3cret\n")
    settings = load({"LOALANG_BROKER_PASSWORD_FILE": str(secret)})
    assert settings.broker_password == "s3cret"


def test_a_secret_file_in_the_environment_beats_a_secret_in_the_file(tmp_path):
    secret = tmp_path / "broker.password"
    secret.write_text("new")
    config = tmp_path / "loalang.toml"
    config.write_text('broker_password = "old"\n')
    settings = load({"LOALANG_BROKER_PASSWORD_FILE": str(secret)}, config)
    assert settings.broker_password == "new"


def test_a_missing_secret_file_is_a_mistake(tmp_path):
    with pytest.raises(SettingsError, match="LOALANG_BROKER_PASSWORD_FILE"):
        load({"LOALANG_BROKER_PASSWORD_FILE": str(tmp_path / "none")})


def test_secrets_are_masked():
    settings = load(
        {
            "LOALANG_BROKER_PASSWORD": "s3cret",
            "LOALANG_DATABASE_URL": "postgresql://loa:s3cret@db/loa",
        }
    )
    assert "s3cret" not in str(settings.masked())
    assert settings.masked()["database_url"] == "postgresql://loa:********@db/loa"


def test_a_mistaken_secret_is_not_shown():
    with pytest.raises(SettingsError) as refusal:
        load({"LOALANG_DATABASE_URL": "mysql://loa:s3cret@db/loa"})
    assert "s3cret" not in refusal.value.en + refusal.value.vi


def test_a_child_process_gets_the_same_settings(tmp_path):
    settings = load({"LOALANG_DATA_DIR": str(tmp_path), "LOALANG_BROKER_PASSWORD": "x"})
    assert load(settings.environ()) == settings


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load({"LOALANG_DATA_DIR": "data"}).data_dir == Path(tmp_path, "data")


def test_the_group_that_shares_reports_is_no_secret_to_the_workers_and_one_to_everybody_else():
    ours = load({"LOALANG_BROKER_PASSWORD": "long and random"})
    assert ours.report_group == load({"LOALANG_BROKER_PASSWORD": "long and random"}).report_group
    assert ours.report_group != load({"LOALANG_BROKER_PASSWORD": "another"}).report_group
    assert "random" not in ours.report_group


def test_with_postgresql_a_second_process_takes_in_reports(tmp_path):
    place = {"LOALANG_DATA_DIR": str(tmp_path)}
    assert load(place).ingest_workers == 1
    assert load(place | {"LOALANG_DATABASE_URL": "postgresql://loa@db/loa"}).ingest_workers == 2
