"""What the demo refuses, each time with the remedy. That it runs is told in tests/end_to_end."""

import fcntl
import socket
import tempfile
from pathlib import Path

import pytest

from deploy import demo


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_somebody_uses_is_refused_with_the_remedy(tmp_path, taken_port, capsys):
    assert demo.main(["--dir", str(tmp_path), "--port", str(taken_port)]) == 1
    assert "--port" in capsys.readouterr().err


def test_a_folder_another_demo_uses_is_refused(tmp_path, capsys):
    with (tmp_path / "demo.lock").open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert demo.main(["--dir", str(tmp_path), "--port", "0"]) == 1
    assert "another demo" in capsys.readouterr().err


@pytest.mark.parametrize("nodes", ["-1", "51", "many"])
def test_a_number_of_nodes_that_makes_no_sense_is_wrong_use(tmp_path, nodes, capsys):
    with pytest.raises(SystemExit) as refusal:
        demo.main(["--dir", str(tmp_path), "--nodes", nodes])
    assert refusal.value.code == 2
    assert "--nodes" in capsys.readouterr().err


def test_a_folder_with_a_long_name_keeps_its_sockets_elsewhere(tmp_path, monkeypatch):
    assert demo._run_dir(Path("/srv/demo")) == Path("/srv/demo/controller/run")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    deep = Path("/srv") / ("x" * 100)
    found = demo._run_dir(deep)
    assert found.parent == tmp_path
    assert len(str(found.name)) < 40
    assert demo._run_dir(deep) == found
