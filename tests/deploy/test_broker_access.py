"""What root takes over from the service, and what it leaves where it is."""

from datetime import UTC, datetime

import pytest

from controller.keys.certificates import Authority
from controller.publishing.fence import Admitted, access_list
from deploy import ca
from deploy.broker import SiteBroker
from deploy.broker_access import Unfit, main, take_over
from deploy.prepare_broker import prepare

NOW = datetime.now(UTC)


@pytest.fixture
def broker(tmp_path):
    broker = SiteBroker(tmp_path / "broker")
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=NOW)
    return broker


@pytest.fixture
def source(tmp_path, broker):
    """What the service wrote."""
    folder = tmp_path / "service"
    folder.mkdir()
    authority = Authority.load(broker.directory / "devices.pem")
    (folder / "revoked.crl").write_bytes(authority.revocations(["2a"], NOW))
    (folder / "access").write_text(access_list("main", [Admitted("ab" * 16, ("a1", "b2"))]))
    return folder


def test_a_new_list_is_taken_over_once(broker, source):
    assert take_over(source, broker, user=None) == [broker.revoked, broker.access]
    assert take_over(source, broker, user=None) == []
    assert broker.access.read_text() == (source / "access").read_text()


@pytest.mark.parametrize(
    "line",
    ["pattern readwrite #", "topic readwrite #", "user root", "topic read $SYS/#", "user a b"],
)
def test_a_line_that_is_none_of_ours_is_not_taken_over(broker, source, line):
    before = broker.access.read_bytes()
    with (source / "access").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(Unfit):
        take_over(source, broker, user=None)
    assert broker.access.read_bytes() == before


def test_revocations_of_another_authority_are_not_taken_over(broker, source, tmp_path):
    (tmp_path / "other.pem").write_bytes(ca.make_authority("other", NOW).pem)
    other = Authority.load(tmp_path / "other.pem")
    (source / "revoked.crl").write_bytes(other.revocations([], NOW))
    with pytest.raises(Unfit):
        take_over(source, broker, user=None)


def test_root_is_not_led_through_a_link(broker, source, tmp_path):
    (source / "access").unlink()
    (source / "access").symlink_to(tmp_path / "loalang.conf")
    with pytest.raises(Unfit):
        take_over(source, broker, user=None)


def test_the_command_says_why_it_took_nothing(broker, tmp_path, capsys):
    options = ["--from", str(tmp_path / "nowhere"), "--to", str(broker.directory)]
    assert main(options) == 1
    assert "keeps the list it has" in capsys.readouterr().err
