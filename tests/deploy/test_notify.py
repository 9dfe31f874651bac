"""What children say of themselves is heard without waiting."""

from controller.sd_notify import notify
from deploy.notify import Notices


def test_a_child_s_words_are_heard_and_ready_is_remembered(tmp_path, monkeypatch):
    with Notices(tmp_path / "run" / "notify.sock") as notices:
        assert notices.read() == []
        monkeypatch.setenv("NOTIFY_SOCKET", str(notices.path))
        notify("READY=1")
        notify("WATCHDOG=1")
        assert notices.read() == ["READY=1", "WATCHDOG=1"]
        assert notices.read() == []
        assert notices.ready


def test_the_socket_is_gone_afterwards(tmp_path):
    with Notices(tmp_path / "notify.sock") as notices:
        assert notices.path.exists()
    assert not notices.path.exists()
