"""Commands to the service: claimed by one, taken over from the dead, woken for."""

import socket

from controller import commands
from controller.accounts.access import SYSTEM
from controller.commands import CommandKind
from controller.database import transaction
from controller.models import ServiceCommand
from tests.controller.factories import HOUR, NOW


def ask(engine, clip_id="c"):
    with transaction(engine) as session:
        kind = CommandKind.CLIP_CHANGED
        return commands.ask(session, kind, {"clip_id": clip_id}, SYSTEM, NOW)


def claim(engine, now=NOW):
    with transaction(engine) as session:
        row = commands.claim_next(session, now)
        return row and row.id


def test_commands_are_claimed_in_order_and_once(engine):
    asked = [ask(engine), ask(engine)]
    assert [claim(engine), claim(engine), claim(engine)] == [*asked, None]


def test_a_finished_command_carries_its_result(engine):
    command_id = ask(engine)
    claim(engine)
    with transaction(engine) as session:
        commands.finish(session, command_id, {"published": 2}, NOW)
    assert claim(engine, NOW + HOUR) is None
    with transaction(engine) as session:
        row = session.get_one(ServiceCommand, command_id)
        assert (row.result, row.done_at) == ({"published": 2}, NOW)


def test_a_command_of_a_dead_service_is_taken_over(engine):
    command_id = ask(engine)
    assert claim(engine) == command_id
    assert claim(engine) is None
    assert claim(engine, NOW + HOUR) == command_id


def test_a_command_stands_and_falls_with_its_transaction(engine):
    try:
        with transaction(engine) as session:
            commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": "n"}, SYSTEM, NOW)
            raise RuntimeError
    except RuntimeError:
        pass
    assert claim(engine) is None


def test_waking_reaches_the_service(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(str(tmp_path / "s.sock"))
        service.settimeout(5)
        commands.wake(tmp_path / "s.sock")
        assert service.recv(1) == b""


def test_waking_a_service_that_is_down_is_no_error(tmp_path):
    commands.wake(tmp_path / "nobody.sock")
