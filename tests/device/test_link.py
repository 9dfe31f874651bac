"""The line to the broker: TLS and password, back after a restart, topics asked for again."""

import datetime
import ipaddress
import random
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import MQTTProtocolVersion

from device.link import Link
from device.loop import Loop
from device.passport import Identity
from device.settings import Settings
from tests.device.conftest import Broker, free_port
from tests.support.old_broker import OldBroker

NOW = datetime.datetime.now(datetime.UTC)


class Station:
    """A link on a loop, and what came over it."""

    def __init__(self, **settings):
        self.loop = Loop()
        self.arrived = []
        self.handle = lambda topic, payload: None
        self.connects = self.losses = 0
        self.link = Link(
            self.loop,
            Settings(**settings),
            lambda: Identity("device-1"),
            will=lambda: ("loa/will", b"gone"),
            on_connected=self._connected,
            on_lost=self._lost,
            on_message=self._message,
            jitter=random.Random(1),
        )

    def _message(self, topic, payload, retained):
        self.arrived.append((topic, payload))
        self.handle(topic, payload)

    def _connected(self):
        self.connects += 1

    def _lost(self):
        self.losses += 1

    def until(self, condition, seconds=20.0):
        deadline = self.loop.monotonic() + seconds
        while not condition():
            assert self.loop.monotonic() < deadline, "what was waited for did not happen"
            self.loop.turn(0.05)

    def close(self):
        self.link.stop()
        self.loop.close()


@pytest.fixture
def station(broker):
    station = Station(broker_url=f"mqtt://127.0.0.1:{broker.port}")
    yield station
    station.close()


def test_what_is_published_comes_to_who_wants_it(station):
    station.link.want(["loa/a"])
    station.link.start()
    station.until(lambda: station.connects)
    assert station.link.publish("loa/a", b"hello")
    station.until(lambda: station.arrived)
    assert station.arrived == [("loa/a", b"hello")]


def test_without_a_connection_nothing_is_kept(station):
    assert not station.link.publish("loa/a", b"x")


def test_a_broker_that_restarts_is_found_and_asked_for_everything_again(station, broker):
    station.link.want(["loa/a", "loa/b"])
    station.link.start()
    station.until(lambda: station.connects == 1)
    station.link.unwant(["loa/b"])
    broker.kill()
    station.until(lambda: station.losses == 1)
    began = station.loop.monotonic()
    broker.start()
    station.until(lambda: station.connects == 2)
    assert station.loop.monotonic() - began < 6
    station.link.publish("loa/a", b"1")
    station.link.publish("loa/b", b"2")
    station.link.publish("loa/a", b"3")
    station.until(lambda: len(station.arrived) == 2)
    assert station.arrived == [("loa/a", b"1"), ("loa/a", b"3")]


def test_a_handler_that_fails_does_not_end_the_connection(station):
    def fail(topic, payload, retained):
        station.arrived.append(payload)
        raise ValueError("a bad message")

    station.link._on_message = fail
    station.link.want(["loa/a"])
    station.link.start()
    station.until(lambda: station.connects)
    for number in range(3):
        station.link.publish("loa/a", b"%d" % number)
    station.until(lambda: len(station.arrived) == 3)
    assert station.loop.failures == 3 and station.losses == 0


def make_certificates(folder, *, lasts=9):
    """A CA and a server certificate for 127.0.0.1, valid until so many days from now."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    ends = NOW + datetime.timedelta(days=lasts)
    ca = certificate(ca_name, ca_name, ca_key.public_key(), ca_key, ends, ca=True)
    server = certificate(name, ca_name, key.public_key(), ca_key, ends, ca=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(ca.public_bytes(pem))
    (folder / "server.crt").write_bytes(server.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    for each in folder.iterdir():
        each.chmod(0o644)


SIGNS = x509.KeyUsage(
    False, False, False, False, False, key_cert_sign=True, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip


def certificate(subject, issuer, public, signer, ends, *, ca):
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=9))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    if ca:  # Python 3.13 wants an authority to say what its key is for
        builder = builder.add_extension(SIGNS, critical=True)
    return builder.sign(signer, hashes.SHA256())


class TlsBroker(Broker):
    """A mosquitto that wants TLS and a password."""

    def __init__(self, folder, *, lasts=9):
        make_certificates(folder, lasts=lasts)
        passwords = folder / "passwords"
        subprocess.run(
            [shutil.which("mosquitto_passwd"), "-b", "-c", passwords, "node", "se:cr/et"],
            check=True,
        )
        passwords.chmod(0o644)
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous false\nlog_dest none\n"
            f"password_file {passwords}\ncertfile {folder / 'server.crt'}\n"
            f"keyfile {folder / 'server.key'}\nset_tcp_nodelay true\n"
        )
        self._process = None
        self.start()


@pytest.fixture
def tls_broker(tmp_path):
    broker = TlsBroker(tmp_path)
    yield broker
    broker.kill()


def test_tls_and_a_password_open_the_line(tls_broker, tmp_path):
    station = Station(
        broker_url=f"mqtts://node:se%3Acr%2Fet@127.0.0.1:{tls_broker.port}",
        ca_file=str(tmp_path / "ca.crt"),
    )
    station.link.want(["loa/#"])
    station.link.start()
    station.until(lambda: station.connects)
    for number in range(40):
        station.link.publish(f"loa/{number}", bytes(30_000))
    station.until(lambda: len(station.arrived) == 40)
    station.close()


@pytest.mark.parametrize("knows_the_date", [True, False])
def test_who_does_not_know_the_date_may_still_be_told_the_time(tmp_path, knows_the_date):
    """A clock that says 2040 finds every certificate out of date, and must not lock itself out."""
    broker = TlsBroker(tmp_path, lasts=-1)
    station = Station(
        broker_url=f"mqtts://node:se%3Acr%2Fet@127.0.0.1:{broker.port}",
        ca_file=str(tmp_path / "ca.crt"),
    )
    station.link._choose = lambda: Identity("device-1", knows_the_date=knows_the_date)
    station.link.start()
    station.until(lambda: station.connects or station.link._tries > 1)
    assert bool(station.connects) is not knows_the_date
    station.close()
    broker.kill()


def test_a_broker_of_another_authority_gets_nothing(tls_broker, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    make_certificates(other)
    station = Station(
        broker_url=f"mqtts://node:se%3Acr%2Fet@127.0.0.1:{tls_broker.port}",
        ca_file=str(other / "ca.crt"),
    )
    station.link.start()
    station.until(lambda: station.link._tries > 1)
    assert station.connects == 0
    station.close()


def test_a_broker_without_mqtt_5_is_spoken_to_in_the_older_version(broker):
    with OldBroker(broker.port) as old:
        station = Station(broker_url=old.url)
        station.link.want(["loa/a"])
        station.link.start()
        station.until(lambda: station.connects)
        assert old.refused == 1
        assert station.link.publish("loa/a", b"hello")
        station.until(lambda: station.arrived)
        assert station.arrived == [("loa/a", b"hello")]
        station.close()


def test_a_broker_that_hangs_up_on_mqtt_5_is_spoken_to_in_the_older_version(broker):
    with OldBroker(broker.port, silent=True) as old:
        station = Station(broker_url=old.url)
        station.link.want(["loa/a"])
        station.link.start()
        station.until(lambda: station.connects)
        assert old.refused == 3
        assert station.link.publish("loa/a", b"hello")
        station.until(lambda: station.arrived == [("loa/a", b"hello")])
        old.renew()
        station.until(lambda: station.connects == 2)
        assert station.link._client.protocol is MQTTProtocolVersion.MQTTv5
        station.close()


def test_a_line_that_breaks_while_a_message_is_handled_is_noticed(station, broker):
    def answer(topic, payload):
        broker.kill()
        for _ in range(3):  # the first write into a dead line succeeds
            station.link.publish("loa/b", payload)

    station.handle = answer
    station.link.want(["loa/a"])
    station.link.start()
    station.until(lambda: station.connects)
    station.link.publish("loa/a", b"hello")
    station.until(lambda: station.losses)
    assert station.arrived
