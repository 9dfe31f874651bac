"""The generated configurations, each under the real mosquitto."""

import getpass
import socket
import ssl
from pathlib import Path

import pytest

from deploy import ca
from deploy.broker import DemoBroker, SiteBroker, demo_configuration, password_file
from deploy.prepare_broker import prepare
from tests.deploy.visitor import Visitor
from tests.support.broker import Broker, free_port

# Debian's own main file, which reads ours from its conf.d.
DEBIAN = """\
pid_file {state}/mosquitto.pid
persistence true
persistence_location {state}/
log_dest file {state}/mosquitto.log
include_dir {fragments}
user {user}
"""


@pytest.fixture
def demo(tmp_path):
    with Broker.started(tmp_path / "demo") as broker:
        yield broker


@pytest.fixture
def site(tmp_path, now):
    broker = SiteBroker(tmp_path / "broker", tls_port=free_port(), loopback_port=free_port())
    fragments = tmp_path / "conf.d"
    fragments.mkdir()
    prepare(broker, ["localhost", "127.0.0.1"], fragments / "loalang.conf", user=None, now=now)
    main = DEBIAN.format(state=tmp_path, fragments=fragments, user=getpass.getuser())
    # The listener that is opened last tells when both answer.
    with Broker.started(tmp_path / "site", port=broker.loopback_port, configuration=main):
        yield broker


def password_of(broker, user):
    return (broker.directory / f"{user}.password").read_text().strip()


def node(broker, client_id="device-1"):
    return Visitor(
        broker.tls_port,
        client_id=client_id,
        user="node",
        password=password_of(broker, "node"),
        authority=broker.authority,
    )


def test_the_demo_broker_asks_nobody_for_a_name(demo):
    with Visitor(demo.port) as visitor:
        assert visitor.reason == "Success"


def test_the_demo_broker_listens_on_loopback_only():
    lines = demo_configuration(DemoBroker(1999, Path("/nowhere"))).splitlines()
    assert [line for line in lines if "listener" in line] == ["listener 1999 127.0.0.1"]


def test_the_demo_broker_remembers_retained_messages(demo):
    with Visitor(demo.port) as visitor:
        visitor.client.publish("loa/v1/kept", b"x", qos=1, retain=True).wait_for_publish(10)
    demo.stop()
    demo.start()
    with Visitor(demo.port) as visitor:
        visitor.subscribe("loa/v1/kept")
        assert visitor.wait_for("loa/v1/kept")


def test_a_node_joins_over_tls_with_the_password(site):
    with node(site) as visitor:
        assert visitor.reason == "Success"


def test_a_node_with_another_authority_refuses_the_server(site, tmp_path, now):
    ca.make_authority("Somebody else", now).save(tmp_path, "other")
    context = ssl.create_default_context(cafile=tmp_path / "other.crt")
    with (
        socket.create_connection(("127.0.0.1", site.tls_port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_nobody_joins_without_a_password(site):
    with Visitor(site.loopback_port) as stranger:
        assert stranger.reason == "Not authorized"


def test_a_wrong_password_is_refused(site):
    with Visitor(site.loopback_port, user="node", password="guess") as stranger:
        assert stranger.reason == "Not authorized"


def test_the_controller_hears_a_device_on_its_loopback_listener(site):
    topic = "loa/v1/main/device/device-1/up/report"
    controller = Visitor(
        site.loopback_port,
        client_id="controller",
        user="controller",
        password=password_of(site, "controller"),
    )
    with (
        controller,
        node(site) as visitor,
    ):
        controller.subscribe("loa/v1/main/device/+/up/report")
        assert visitor.publish(topic) == "Success"
        assert controller.wait_for(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "loa/v1/main/device/device-2/up/report",
        "loa/v1/main/area/village/dn/schedule",
        "loa/v1/main/device/device-1/dn/command",
    ],
)
def test_a_node_may_not_speak_for_others(site, topic):
    with node(site) as visitor:
        assert visitor.publish(topic) == "Not authorized"


def test_a_node_does_not_hear_what_is_said_to_another(site):
    ours = "loa/v1/main/device/device-1/dn/ack"
    theirs = "loa/v1/main/device/device-2/dn/ack"
    controller = Visitor(
        site.loopback_port, user="controller", password=password_of(site, "controller")
    )
    with (
        controller,
        node(site) as visitor,
    ):
        visitor.subscribe("loa/v1/main/device/+/dn/ack")
        controller.publish(theirs)
        controller.publish(ours)
        assert visitor.wait_for(ours)
        assert theirs not in visitor.received


def test_each_user_has_a_salt_of_its_own():
    lines = password_file({"a": "same", "b": "same"}, b"0" * 12).splitlines()
    assert lines[0].removeprefix("a:") != lines[1].removeprefix("b:")
