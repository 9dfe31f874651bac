"""Certificates for devices, the access list that follows from the rows, and who is shut out."""

import json
from datetime import timedelta

import pytest
from cryptography import x509

from controller.accounts.access import SYSTEM
from controller.database import reading, transaction
from controller.errors import Conflict, ControllerError
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.keys import certificates
from controller.keys.certificates import Authority
from controller.models import Device, DeviceBinding
from controller.mqtt.errors import LinkDown
from controller.publishing.fence import DOOR, JOINING, Fence, admitted, newest
from deploy import ca
from protocol.keys import SigningKey
from tests.support.commune import NOW


class Echo:
    """A broker that has every list the moment it is written; or has nothing at all."""

    def __init__(self):
        self.fence = None
        self.sent = []
        self.put_out = []
        self.down = False

    def __call__(self, topic, payload):
        if self.down:
            raise LinkDown
        if topic == DOOR:
            orders = json.loads(payload)["commands"]
            self.put_out += [o["username"] for o in orders if o["command"] == "disableClient"]
            return
        self.sent.append(topic)
        self.fence.heard(topic)


@pytest.fixture
def authority(tmp_path):
    file = tmp_path / "devices.pem"
    file.write_bytes(ca.make_authority("Loa Làng thử", NOW).pem)
    return Authority.load(file)


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def now():
    return [NOW]


@pytest.fixture
def fence(engine, tmp_path, authority, echo, now):
    echo.fence = Fence(engine, "main", tmp_path / "access", authority, echo, lambda: now[0])
    return echo.fence


@pytest.fixture
def device(engine, cast):
    """A device that serves a node of the upper village: (device id, node id)."""
    key = SigningKey.generate().verify_key
    with transaction(engine) as session:
        data = NodeInput("loa-01", "loa-01", cast.areas["upper"])
        node, _ = nodes.create(session, SYSTEM, data, NOW - timedelta(days=1))
        session.add(Device(id=key.device_id, public_key=key.hex, first_seen_at=NOW))
        session.flush()
        session.add(DeviceBinding(node_id=node.id, device_id=key.device_id, from_at=NOW))
        return key.device_id, node.id


def certificate(engine, device_id):
    with reading(engine) as session:
        return newest(session, device_id)


def test_a_certificate_names_the_device_over_its_own_key_and_begins_in_1970(
    fence, engine, device, authority
):
    assert fence.certify() == 1
    made = x509.load_pem_x509_certificate(certificate(engine, device[0]).pem.encode())
    made.verify_directly_issued_by(authority.certificate)
    assert made.subject.rfc4514_string() == f"CN={device[0]}"
    assert made.not_valid_before_utc.year == 1970
    with reading(engine) as session:
        public = session.get_one(Device, device[0]).public_key
    assert made.public_key().public_bytes_raw().hex() == public


def test_a_certificate_is_renewed_at_a_third_of_its_life_and_not_before(fence, engine, device, now):
    fence.certify()
    first = certificate(engine, device[0])
    now[0] = first.until - certificates.RENEWED_WHEN_LEFT - timedelta(days=1)
    assert fence.certify() == 0
    now[0] += timedelta(days=2)
    assert fence.certify() == 1
    assert certificate(engine, device[0]).until > first.until


def test_a_device_may_read_the_areas_above_it_and_no_other(fence, engine, device, cast, tmp_path):
    assert fence.update()
    stanza = (tmp_path / "access" / "access").read_text().split(f"user {device[0]}\n")[1]
    stanza = stanza.split("\nuser ")[0]
    read = {line.split("/")[4] for line in stanza.splitlines() if "/area/" in line}
    assert read == {cast.areas["commune"], cast.areas["upper"]}


def test_a_list_that_is_in_force_is_not_written_or_tried_again(fence, echo, device):
    assert fence.update()
    assert fence.update()
    assert len(echo.sent) == 1
    fence.doubt()
    assert fence.update()
    assert len(echo.sent) == 2


def test_without_a_broker_the_list_is_written_all_the_same(fence, echo, device, tmp_path):
    echo.down = True
    assert not fence.update()
    assert device[0] in (tmp_path / "access" / "access").read_text()


def test_a_stolen_device_leaves_the_list_and_its_certificate_is_revoked(
    fence, engine, device, authority, tmp_path
):
    fence.certify()
    serial = x509.load_pem_x509_certificate(certificate(engine, device[0]).pem.encode())
    with transaction(engine) as session:
        nodes.shut_out(session, SYSTEM, device[1], NOW)
    assert fence.update()
    assert device[0] not in (tmp_path / "access" / "access").read_text()
    revoked = x509.load_pem_x509_crl((tmp_path / "access" / "revoked.crl").read_bytes())
    assert revoked.is_signature_valid(authority.certificate.public_key())
    assert revoked.get_revoked_certificate_by_serial_number(serial.serial_number)
    assert fence.certify() == 0


def test_hardware_that_was_replaced_keeps_its_own_topics_and_loses_the_areas(engine, fence, device):
    with transaction(engine) as session:
        session.get_one(DeviceBinding, (device[1], NOW)).until_at = NOW
        assert [(a.device_id, a.area_ids) for a in admitted(session, NOW)] == [(device[0], ())]


def test_a_place_without_a_device_has_nothing_to_shut_out(engine, device):
    with transaction(engine) as session:
        nodes.shut_out(session, SYSTEM, device[1], NOW)
        with pytest.raises(Conflict):
            nodes.shut_out(session, SYSTEM, device[1], NOW)


def test_an_authority_that_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "devices.pem").write_text("no key")
    with pytest.raises(ControllerError, match=r"run the installer again"):
        Authority.load(tmp_path / "devices.pem")


def test_who_is_shut_out_is_put_out_once_the_list_is_in_force_and_after_every_doubt(
    fence, echo, engine, device
):
    fence.certify()
    assert fence.update()
    with transaction(engine) as session:
        nodes.shut_out(session, SYSTEM, device[1], NOW)
    echo.down = True
    assert not fence.update()
    assert fence.behind
    assert echo.put_out == []
    echo.down = False
    assert fence.update()
    assert not fence.behind
    assert echo.put_out == [device[0]]
    assert fence.update()
    assert echo.put_out == [device[0]]
    fence.doubt()  # another broker, perhaps, or one that was restarted
    assert fence.update()
    assert echo.put_out == [device[0]] * 2


def test_a_certificate_for_joining_that_was_replaced_is_revoked(
    engine, tmp_path, authority, echo, device
):
    old, new = (ca.make_joining(authority, NOW).certificate for _ in range(2))
    known = Authority(authority.key, authority.certificate, (old, new))
    echo.fence = Fence(engine, "main", tmp_path / "access", known, echo, lambda: NOW)
    assert echo.fence.update()
    revoked = x509.load_pem_x509_crl((tmp_path / "access" / "revoked.crl").read_bytes())
    assert revoked.get_revoked_certificate_by_serial_number(old.serial_number)
    assert not revoked.get_revoked_certificate_by_serial_number(new.serial_number)
    assert echo.put_out == [JOINING]
