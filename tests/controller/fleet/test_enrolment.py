"""A code binds one device once; the place keeps its history when its hardware changes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM, Actor
from controller.database import reading, transaction
from controller.errors import NotAllowed
from controller.fleet import enrolment, nodes
from controller.fleet.enrolment import claim
from controller.fleet.nodes import NodeInput
from controller.models import AuditEntry, ClaimCode, Device, DeviceBinding, Role
from protocol.claims import device_code, proof
from protocol.keys import SigningKey
from protocol.messages import Claim
from tests.support.commune import NOW, migrated_engine, settle

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def engine(tmp_path):
    engine = migrated_engine(tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def village(engine):
    return settle(engine).areas["upper"]


@pytest.fixture
def node(engine, village):
    """(node id, claim code) of a fresh node."""
    with transaction(engine) as session:
        made, code = nodes.create(session, SYSTEM, NodeInput("Loa", "loa-01", village), NOW)
        return made.id, code


@pytest.fixture
def ask(engine):
    def do(code, key=None, at=LATER, shown=None):
        key = key or SigningKey.generate()
        claimed = Claim(key.verify_key.hex, shown or proof(code, key.verify_key), "Pi 4", "1.0")
        with transaction(engine) as session:
            return claim(session, key.verify_key, claimed, at)

    return do


def rows(engine, model):
    with reading(engine) as session:
        return list(session.scalars(select(model)))


def test_the_right_proof_binds_the_device_to_the_node(ask, node, engine):
    node_id, code = node
    key = SigningKey.generate()
    bound = ask(code, key)
    assert (bound.node_id, bound.device_id, bound.released) == (
        node_id,
        key.verify_key.device_id,
        (),
    )
    (device,) = rows(engine, Device)
    assert (device.public_key, device.hardware) == (key.verify_key.hex, "Pi 4")
    (code_row,) = rows(engine, ClaimCode)
    assert code_row.used_at == LATER
    assert "node.bind" in {entry.action for entry in rows(engine, AuditEntry)}


def test_a_code_typed_by_a_person_proves_just_as_well(ask, node):
    node_id, code = node
    assert ask(code.lower().replace("-", " ")).node_id == node_id


def test_a_code_works_once(ask, node, engine):
    ask(node[1])
    assert ask(node[1]) is None
    assert len(rows(engine, DeviceBinding)) == 1


def test_an_expired_code_binds_nobody(ask, node):
    assert ask(node[1], at=NOW + timedelta(days=400)) is None


def test_another_device_s_proof_binds_nobody(ask, node, engine):
    overheard = proof(node[1], SigningKey.generate().verify_key)
    assert ask(node[1], shown=overheard) is None
    assert rows(engine, Device) == []


def test_a_device_whose_answer_was_lost_gets_the_same_answer(ask, node):
    key = SigningKey.generate()
    first = ask(node[1], key)
    assert ask(node[1], key, at=LATER + timedelta(minutes=1)) == first


def test_new_hardware_takes_over_and_the_old_is_released(ask, node, engine):
    node_id, code = node
    old = ask(code)
    with transaction(engine) as session:
        second = nodes.new_claim_code(session, SYSTEM, node_id, LATER)
    new = ask(second, at=LATER + timedelta(days=1))
    assert new.released == (old.device_id,)
    spans = {b.device_id: b.until_at for b in rows(engine, DeviceBinding)}
    assert spans == {old.device_id: LATER + timedelta(days=1), new.device_id: None}


def test_a_device_that_moves_leaves_its_former_place(ask, node, engine, village):
    key = SigningKey.generate()
    ask(node[1], key)
    with transaction(engine) as session:
        other, code = nodes.create(session, SYSTEM, NodeInput("Loa 2", "loa-02", village), NOW)
    bound = ask(code, key, at=LATER + timedelta(days=1))
    assert (bound.node_id, bound.released) == (other.id, ())
    assert [b.node_id for b in rows(engine, DeviceBinding) if b.until_at is None] == [other.id]


def test_a_device_that_was_shut_out_stays_out(ask, node, engine):
    key = SigningKey.generate()
    ask(node[1], key)
    with transaction(engine) as session:
        session.get_one(Device, key.verify_key.device_id).shut_out_at = LATER
    assert ask(node[1], key) is None


def test_a_node_given_up_takes_no_device(ask, node, engine):
    with transaction(engine) as session:
        nodes.retire(session, SYSTEM, node[0], NOW)
    assert ask(node[1]) is None


def test_a_device_without_a_code_waits_and_an_official_binds_it_by_its_digits(
    ask, node, engine, village
):
    key = SigningKey.generate()
    asked = Claim(key.verify_key.hex, "", "Pi 4", "1.0")
    with transaction(engine) as session:
        assert claim(session, key.verify_key, asked, LATER) is None
        assert enrolment.wait(session, key.verify_key, asked, LATER)
    with transaction(engine) as session:
        (found,) = enrolment.waiting(session, SYSTEM, LATER)
        assert found.code == device_code(key.verify_key)
        enrolment.bind(session, SYSTEM, node[0], found.id, LATER)
    (binding,) = rows(engine, DeviceBinding)
    assert (binding.node_id, binding.device_id) == (node[0], key.verify_key.device_id)
    with transaction(engine) as session:
        assert enrolment.waiting(session, SYSTEM, LATER) == []
        # It asks once more before it hears the answer: the same one is given.
        assert claim(session, key.verify_key, asked, LATER).node_id == node[0]


def test_the_list_of_those_that_wait_stays_short_and_forgets(engine, monkeypatch):
    monkeypatch.setattr(enrolment, "MOST_WAIT", 3)
    keys = [SigningKey.generate().verify_key for _ in range(5)]
    with transaction(engine) as session:
        for number, key in enumerate(keys):
            asked = Claim(key.hex, "", "Pi", "1")
            enrolment.wait(session, key, asked, NOW + timedelta(seconds=number))
    with reading(engine) as session:
        waiting = enrolment.waiting(session, SYSTEM, NOW + timedelta(minutes=1))
        assert [each.id for each in waiting] == [key.device_id for key in keys[:1:-1]]
        assert enrolment.waiting(session, SYSTEM, NOW + timedelta(days=2)) == []


def test_a_device_that_was_shut_out_does_not_wait_either(ask, node, engine):
    key = SigningKey.generate()
    ask(node[1], key)
    asked = Claim(key.verify_key.hex, "", "Pi 4", "1.0")
    with transaction(engine) as session:
        nodes.shut_out(session, SYSTEM, node[0], LATER)
        assert not enrolment.wait(session, key.verify_key, asked, LATER)


def test_who_only_looks_sees_no_devices_that_wait(engine, village):
    vera = Actor("v", "Vera", Role.VIEWER, village)
    with reading(engine) as session, pytest.raises(NotAllowed):
        enrolment.waiting(session, vera, NOW)


def test_a_devices_digits_depend_on_its_key():
    codes = {device_code(SigningKey.generate().verify_key) for _ in range(20)}
    assert len(codes) == 20
    assert all(len(code) == 15 and code.replace(" ", "").isdigit() for code in codes)
