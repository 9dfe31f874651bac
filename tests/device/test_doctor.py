"""The doctor on site: a finding with its remedy for each thing that is wrong, else none."""

import errno
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from device.doctor import doctor
from device.durable import TwoCopies
from device.settings import Settings
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import NodeConfig, PageRef, ScheduleHead
from tests.device.conftest import free_port

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
KEY = SigningKey.generate()


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    cards = root / "proc/asound/cards"
    cards.parent.mkdir(parents=True)
    cards.write_text(" 0 [Headphones     ]: bcm2835_headphon - bcm2835 Headphones\n")
    (root / "dev").mkdir()
    (root / "dev/gpiochip0").touch()
    return root


@pytest.fixture
def settings(tmp_path, broker):
    data = tmp_path / "data"
    TwoCopies(data / "identity").save({"key": KEY.raw.hex()})
    keep(data / "documents/config", MessageType.CONFIG, NodeConfig("n1", "N1", "Thôn Hạ", ("a1",)))
    keep(data / "schedules/a1.active", MessageType.SCHEDULE, head(30))
    return Settings(
        broker_url=f"mqtt://127.0.0.1:{broker.port}",
        controller_keys=(KEY.verify_key.hex,),
        data_dir=data,
        sink="alsa:plughw:CARD=Headphones,DEV=0",
        clock="trusted",
        amplifier_pin=17,
    )


def head(days, pages=()):
    return ScheduleHead("a1", 3, NOW + timedelta(days=days), pages)


def keep(path, type_, message):
    path.parent.mkdir(parents=True, exist_ok=True)
    heading = Heading("main", "site", "controller", 1, NOW, NOW)
    path.write_bytes(seal(type_, heading, message, [KEY]))


def test_a_node_that_is_well_has_no_finding(settings, root, capsys):
    assert doctor(settings, root=root, now=NOW) == 0
    assert "N1" in capsys.readouterr().out


def told(settings, root, capsys):
    assert doctor(settings, root=root, now=NOW) == 1
    return capsys.readouterr().out


def test_a_card_that_is_not_there(settings, root, capsys):
    (root / "proc/asound/cards").write_text(" 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n")
    assert "no sound card 'Headphones', but [\"vc4hdmi\"]" in told(settings, root, capsys)


def test_a_card_that_is_not_there_is_told_before_the_first_start_too(settings, root, capsys):
    (root / "proc/asound/cards").unlink()
    fresh = replace(settings, data_dir=settings.data_dir / "new")
    assert doctor(fresh, root=root, now=NOW) == 1
    told = capsys.readouterr().out
    assert "never run" in told and "no sound card" in told


def test_low_voltage_and_heat(settings, root, capsys):
    for name, content in (
        ("sys/devices/platform/soc/soc:firmware/get_throttled", "50005"),
        ("sys/class/thermal/thermal_zone0/temp", "84000"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    said = told(settings, root, capsys)
    assert "voltage is low" in said
    assert "84.0 °C" in said


def test_a_schedule_that_ended_and_one_that_is_not_whole(settings, root, capsys):
    path = settings.data_dir / "schedules/a1.active"
    keep(path, MessageType.SCHEDULE, head(-1))
    assert "The schedule ended on 2026-11-21" in told(settings, root, capsys)
    keep(path, MessageType.SCHEDULE, head(30, (PageRef("2026-11-23", "a" * 64, 5),)))
    assert "1 days are not here yet" in told(settings, root, capsys)
    keep(path, MessageType.SCHEDULE, head(30, (PageRef("2026-11-21", "a" * 64, 5),)))
    doctor(settings, root=root, now=NOW)
    assert "not here yet" not in capsys.readouterr().out  # a day that is over is never fetched


def test_a_configuration_of_somebody_else(settings, root, capsys):
    heading = Heading("main", "site", "controller", 1, NOW, NOW)
    forged = seal(MessageType.CONFIG, heading, NodeConfig("n2"), [SigningKey.generate()])
    (settings.data_dir / "documents/config").write_bytes(forged)
    assert "not signed by our key" in told(settings, root, capsys)


def test_a_store_that_cannot_be_read(settings, root, capsys):
    (settings.data_dir / "outbox.sqlite3").write_bytes(b"x" * 4096)
    assert "report store cannot be read" in told(settings, root, capsys)


def test_a_server_that_does_not_answer(settings, root, capsys, broker):
    broker.port = free_port()
    away = replace(settings, broker_url=f"mqtt://127.0.0.1:{broker.port}")
    assert "does not answer" in told(away, root, capsys)


def test_a_card_that_takes_no_writes(settings, root, capsys, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert doctor(settings, root=root) == 1
    assert "replace the card" in capsys.readouterr().out
