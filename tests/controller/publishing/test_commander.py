"""Each command is done once, by the loop it belongs to."""

import functools
from datetime import timedelta

import pytest
from sqlalchemy import select

from controller import commands
from controller.accounts.access import SYSTEM
from controller.commands import CommandKind
from controller.database import reading, transaction
from controller.models import AuditEntry, ServiceCommand
from controller.publishing.commander import Commander, ordinary, urgent
from tests.controller.factories import NOW


@pytest.fixture
def ask(engine):
    def do(kind, **body):
        with transaction(engine) as session:
            return commands.ask(session, kind, body, SYSTEM, NOW)

    return do


@pytest.fixture
def command(engine):
    def read(command_id):
        with reading(engine) as session:
            return session.get_one(ServiceCommand, command_id)

    return read


class Recorder:
    """Stands for the desk and the orders: it notes what it was asked."""

    def __init__(self):
        self.calls = []

    def refresh(self, area_ids=None):
        self.calls.append(("refresh", area_ids))
        return 1

    def release(self, device_ids):
        return len(list(device_ids))

    def refresh_for_node(self, node_id):
        self.calls.append(("refresh_for_node", node_id))
        return 1

    def configure(self, node_id=None):
        self.calls.append(("configure", node_id))
        return 1

    def announce(self, area_ids, verb, emergency_id):
        self.calls.append(("announce", area_ids, verb, emergency_id))
        return 1


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def desk_commander(engine, recorder):
    return Commander(engine, ordinary(recorder), lambda: NOW)


@pytest.fixture
def urgent_commander(engine, recorder):
    return Commander(engine, urgent(recorder), lambda: NOW)


def test_a_command_is_done_once_and_says_what_came_of_it(ask, desk_commander, recorder, command):
    asked = ask(CommandKind.SCHEDULES_CHANGED, area_ids=["a"])
    assert desk_commander.step()
    assert not desk_commander.step()
    assert recorder.calls == [("refresh", ["a"])]
    row = command(asked)
    assert (row.claimed_at, row.done_at, row.result) == (NOW, NOW, {"published": 1})


@pytest.mark.parametrize(
    ("kind", "body", "calls"),
    [
        (
            CommandKind.NODE_CHANGED,
            {"node_id": "n"},
            [("configure", "n"), ("refresh_for_node", "n")],
        ),
        (CommandKind.CLIP_CHANGED, {"clip_id": "c"}, [("refresh", None)]),
        (CommandKind.CLIP_CHANGED, {"clip_id": "c", "area_ids": ["x"]}, [("refresh", ["x"])]),
    ],
)
def test_each_kind_leads_to_its_documents(ask, desk_commander, recorder, kind, body, calls):
    ask(kind, **body)
    desk_commander.step()
    assert recorder.calls == calls


def test_a_stop_does_not_wait_behind_ordinary_work(ask, urgent_commander, recorder, command):
    earlier = ask(CommandKind.CLIP_CHANGED, clip_id="c")
    ask(CommandKind.AREA_STATE_CHANGED, area_ids=["a"], verb="stop")
    assert urgent_commander.step()
    assert recorder.calls == [("announce", ["a"], "stop", None)]
    assert command(earlier).claimed_at is None
    assert not urgent_commander.step()


def test_a_command_that_fails_stays_claimed_and_is_tried_again_later(ask, engine, command):
    def fail(_body):
        raise OSError("no broker in sight")

    asked = ask(CommandKind.CLIP_CHANGED, clip_id="c")
    failing = Commander(engine, {CommandKind.CLIP_CHANGED: fail}, lambda: NOW)
    with pytest.raises(OSError, match="no broker"):
        failing.step()
    assert not failing.step()
    assert command(asked).done_at is None


def test_a_command_that_fails_every_time_is_given_up_and_written_down(ask, engine, command):
    def fail(_body):
        raise OSError("never works")

    asked = ask(CommandKind.SCHEDULES_CHANGED, area_ids=[])
    for minute in range(commands.MAX_TRIES):
        with pytest.raises(OSError, match="never works"):
            at = functools.partial(NOW.__add__, timedelta(minutes=2 * minute))
            Commander(engine, {CommandKind.SCHEDULES_CHANGED: fail}, at).step()
    later = NOW + timedelta(hours=1)
    last = Commander(engine, {CommandKind.SCHEDULES_CHANGED: fail}, lambda: later)
    assert last.step()
    assert not last.step()
    assert command(asked).result == {"failed": True, "tries": commands.MAX_TRIES}
    with reading(engine) as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.action, entry.subject_id) == ("order.failed", str(asked))


def test_every_kind_has_somebody_who_does_it(recorder):
    done = urgent(recorder).keys() | ordinary(recorder).keys()
    assert done == set(CommandKind) - {CommandKind.PACK_SIGN}  # the service adds that one itself
