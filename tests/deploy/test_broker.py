"""The generated configurations, each under the real mosquitto."""

import contextlib
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from controller.keys.certificates import Authority
from controller.publishing.fence import DOOR, Admitted, access_list
from deploy import ca
from deploy.broker import DemoBroker, demo_configuration, password_file
from protocol.keys import SigningKey
from protocol.topics import Topics
from tests.deploy.visitor import Visitor
from tests.support.broker import Broker
from tests.support.site import Site


@pytest.fixture
def demo(tmp_path):
    with Broker.started(tmp_path / "demo") as broker:
        yield broker


AREAS = {"one": ("commune", "upper"), "other": ("commune", "lower")}
KEYS = {name: SigningKey.generate() for name in AREAS}
IDS = {name: key.verify_key.device_id for name, key in KEYS.items()}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A broker that knows two devices of different villages."""
    folder = tmp_path_factory.mktemp("site")
    with Site.started(folder) as site:
        known = [Admitted(IDS[name], areas) for name, areas in AREAS.items()]
        hand_over(site, access_list("main", known))
        yield site


def hand_over(site, text, revoked=()):
    """Give the broker a list as the service would write it."""
    source = site.folder / "access"
    source.mkdir(exist_ok=True)
    authority = Authority.load(site.devices)
    (source / "revoked.crl").write_bytes(authority.revocations(revoked, datetime.now(UTC)))
    (source / "access").write_text(text + "\nuser controller\ntopic readwrite loa/v1/#\n")
    assert site.bring(source)
    # The signal is handled between two messages, so what comes after a round trip comes after it.
    with controller(site) as inside:
        inside.publish("loa/v1/main/ctl/main/dn/state")


def identity(site, name):
    """A file with a device's key and the certificate it was given."""
    file = site.folder / f"{name}.pem"
    if not file.exists():
        authority = Authority.load(site.devices)
        issued = authority.issue(KEYS[name].verify_key, datetime.now(UTC))
        private = Ed25519PrivateKey.from_private_bytes(KEYS[name].raw)
        key = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(key + issued.pem.encode())
    return file


def device(site, name="one", client_id="unguessable"):
    return Visitor(
        site.files.tls_port,
        client_id=client_id,
        authority=site.files.authority,
        identity=identity(site, name),
    )


def joining(site):
    return Visitor(
        site.files.tls_port,
        client_id=IDS["one"],
        authority=site.files.authority,
        identity=site.joining,
    )


def controller(site):
    return Visitor(
        site.files.loopback_port,
        client_id="controller",
        user="controller",
        password=site.password,
    )


def every_topic(device_id, areas):
    """Each shape of topic there is, as it concerns a device and its areas."""
    topics = Topics("main")
    up = [
        topics.from_device(device_id, c)
        for c in ("presence", "status", "beat", "report", "want", "answer")
    ]
    down = [
        topics.to_device(device_id, c)
        for c in ("config", "certificate", "command", "ack", "beacon", "chunk", "anything")
    ]
    of_areas = [
        topic
        for area in areas
        for topic in (topics.schedule(area), topics.area_state(area), topics.area_command(area))
    ]
    return up, down, of_areas


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


def test_a_node_with_another_authority_refuses_the_server(site, tmp_path, now):
    ca.make_authority("Somebody else", now).save(tmp_path, "other")
    context = ssl.create_default_context(cafile=tmp_path / "other.crt")
    with (
        socket.create_connection(("127.0.0.1", site.files.tls_port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_nobody_comes_in_without_a_password(site):
    with Visitor(site.files.loopback_port) as stranger:
        assert stranger.reason == "Not authorized"


def test_nobody_comes_in_from_outside_without_a_certificate(site):
    context = ssl.create_default_context(cafile=site.files.authority)
    with (
        socket.create_connection(("127.0.0.1", site.files.tls_port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
        pytest.raises(ssl.SSLError),
    ):
        secured.recv(1)  # in TLS 1.3 the server says no after the handshake


def test_a_device_and_the_controller_hear_each_other(site):
    up, down, of_areas = every_topic(IDS["one"], AREAS["one"])
    common = ["loa/v1/main/ctl/main/dn/state", "loa/v1/main/blob/0a/c/0"]
    with controller(site) as inside, device(site) as visitor:
        for topic in [*down, *of_areas, *common]:
            visitor.subscribe(topic)
            inside.publish(topic)
            assert visitor.wait_for(topic), topic
        for topic in up:
            inside.subscribe(topic)
            assert visitor.publish(topic) == "Success"
            assert inside.wait_for(topic)


def test_a_device_writes_nothing_but_its_own(site):
    _, own_down, own_areas = every_topic(IDS["one"], AREAS["one"])
    up, down, areas = every_topic(IDS["other"], AREAS["other"])
    forbidden = [*own_down, *own_areas, *up, *down, *areas]
    forbidden += [
        "loa/v1/main/ctl/main/dn/state",
        "loa/v1/main/ctl/main/dn/trust",
        "loa/v1/main/blob/0a/c/0",
        f"loa/v1/main/claim/{IDS['other']}/up/claim",
        f"loa/v1/main/claim/{IDS['other']}/dn/certificate",
        f"loa/v1/elsewhere/device/{IDS['one']}/up/report",
        f"loa/v1/main/device/{IDS['one']}/up/report/more",
        "loa/access/main/0",
        "$SYS/broker/uptime",
        "anything",
    ]
    # Under another's id as client id, too: only the certificate's name counts.
    for client_id in ("unguessable", IDS["other"]):
        with device(site, client_id=client_id) as visitor:
            for topic in forbidden:
                assert visitor.publish(topic) == "Not authorized", topic


def test_a_device_reads_nothing_of_anothers(site):
    up, down, areas = every_topic(IDS["other"], AREAS["other"][1:])
    secret = [*up, *down, *areas, f"loa/v1/main/claim/{IDS['other']}/up/claim"]
    ours = Topics("main").to_device(IDS["one"], "ack")
    with controller(site) as inside, device(site, client_id=IDS["other"]) as visitor:
        for filter_ in ("#", "loa/v1/#", "loa/v1/main/+/+/+/+", "$SYS/#", *secret):
            visitor.subscribe(filter_)
        for topic in [*secret, ours]:  # the last comes after all the others
            inside.publish(topic)
        assert visitor.wait_for(ours)
        heard = {topic for topic in visitor.received if not topic.endswith("ctl/main/dn/state")}
        assert heard == {ours}


def test_a_will_says_nothing_its_device_could_not_say(site):
    own, others = (Topics("main").from_device(IDS[name], "presence") for name in ("one", "other"))
    shared = f"$share/any/{Topics('main').to_device(IDS['other'], 'ack')}"
    with controller(site) as inside:
        for topic in (own, others):
            inside.subscribe(topic)
        for topic in (others, own):  # the permitted one comes last
            dying = device(site, client_id=f"dying-{topic}")
            dying.client.will_set(topic, b"gone", qos=1, retain=True)
            with dying:
                dying.subscribe(shared)
                inside.publish(Topics("main").to_device(IDS["other"], "ack"))
                dying.client.socket().shutdown(socket.SHUT_RDWR)
        assert inside.wait_for(own)
        assert others not in inside.received
        assert dying.received == []
    with controller(site) as late:
        for topic in (others, own):
            late.subscribe(topic)
        assert late.wait_for(own)
        assert others not in late.received  # nor is anything retained there


def test_a_device_that_does_not_know_the_group_gets_none_of_the_reports_thrown_away(site):
    report = Topics("main").from_device(IDS["other"], "report")
    with controller(site) as inside, device(site) as thief, device(site, "other", "o") as good:
        inside.subscribe(Topics("main").shared_reports("unguessable"))
        for guess in ("ingest", "+", "#"):
            with contextlib.suppress(ValueError):  # the client itself knows what is no name
                thief.subscribe(f"$share/{guess}/loa/v1/main/device/+/up/report")
        for _ in range(20):
            assert good.publish(report) == "Success"
        with inside.news:
            assert inside.news.wait_for(lambda: inside.received.count(report) == 20, 10)
        assert report not in thief.received


def test_a_device_cannot_ask_the_broker_to_put_others_out(site):
    with device(site) as visitor:
        for topic in (DOOR, f"{DOOR}/response"):
            assert visitor.publish(topic) == "Not authorized"


def test_who_is_joining_may_claim_and_hear_the_answer_and_nothing_else(site):
    answer = Topics("main").claim_answer(IDS["one"])
    up, down, areas = every_topic(IDS["one"], AREAS["one"])
    with controller(site) as inside, joining(site) as visitor:
        assert not visitor.publish(Topics("main").claim(IDS["one"])).is_failure
        for topic in [*up, *down, *areas, answer, "loa/v1/main/ctl/main/dn/state"]:
            assert visitor.publish(topic) == "Not authorized", topic
        visitor.subscribe("#")
        visitor.subscribe(answer)
        for topic in [*up, *down, *areas, Topics("main").claim(IDS["other"]), answer]:
            inside.publish(topic)
        assert visitor.wait_for(answer)
        assert set(visitor.received) == {answer}


def test_a_device_that_is_shut_out_hears_nothing_more_and_does_not_come_in_again(tmp_path):
    with Site.started(tmp_path) as site:
        known = [Admitted(IDS[name], areas) for name, areas in AREAS.items()]
        hand_over(site, access_list("main", known))
        own = identity(site, "one")
        serial = x509.load_pem_x509_certificate(
            own.read_bytes()[own.read_bytes().find(b"-----BEGIN CERT") :]
        ).serial_number
        topic = Topics("main").schedule("commune")
        with controller(site) as inside, device(site) as stolen, device(site, "other", "o") as good:
            knock(site)
            stolen.subscribe(topic)
            good.subscribe(topic)
            hand_over(site, access_list("main", known[1:]), [f"{serial:x}"])
            inside.publish(topic)
            assert good.wait_for(topic)
            assert stolen.received == []
        with pytest.raises((OSError, AssertionError)):
            knock(site)
        with device(site, "other") as good:
            assert good.reason == "Success"


def knock(site):
    """Connect by TLS with the first device's certificate and wait for the broker's word."""
    context = ssl.create_default_context(cafile=site.files.authority)
    context.load_cert_chain(identity(site, "one"))
    with (
        socket.create_connection(("127.0.0.1", site.files.tls_port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        # A CONNECT of MQTT 5 with client id "x"; a broker that lets it in answers.
        secured.sendall(bytes.fromhex("100e00044d5154540502003c00") + b"\0\x01x")
        assert secured.recv(1) == b"\x20"


def test_each_user_has_a_salt_of_its_own():
    lines = password_file({"a": "same", "b": "same"}, b"0" * 12).splitlines()
    assert lines[0].removeprefix("a:") != lines[1].removeprefix("b:")
