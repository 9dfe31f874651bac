"""The doctor names what is broken, with its remedy, and changes nothing."""

import socket
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from controller import commands
from controller.accounts import people
from controller.accounts.access import SYSTEM
from controller.commands import CommandKind
from controller.database import transaction
from controller.keys.signing import load_or_create
from controller.one_service import only_service
from controller.settings import load
from controller.upkeep import diagnosis, recovery
from controller.upkeep.diagnosis import Health
from tests.controller.factories import make_clip
from tests.support.commune import migrated_engine, settle

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    """Nobody listens on port 9: neither a broker nor the pages answer."""
    silent = {"LOALANG_BIND": "127.0.0.1:9", "LOALANG_BROKER_URL": "mqtt://127.0.0.1:9"}
    return load({"LOALANG_DATA_DIR": str(tmp_path), **silent})


@pytest.fixture
def engine(settings):
    engine = migrated_engine(settings.data_dir)
    yield engine
    engine.dispose()


def found(settings, now=NOW):
    return {finding.name: finding for finding in diagnosis.examine(settings, now)}


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def everything_runs(settings, engine):
    """A broker's port, a page that answers, keys, an administrator, the service's lock."""
    commune = settle(engine)
    with transaction(engine) as session:
        people.set_password(session, SYSTEM, commune.users["alice"], "trâu cày ruộng sâu", NOW)
    load_or_create(settings.signing_key_file)
    load_or_create(settings.secret_key_file)
    recovery.choose(settings, "abcd-efgh-ijkl-mnop")
    pages = HTTPServer(("127.0.0.1", 0), Healthy)
    thread = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as broker,
        only_service(engine, settings.wake_path.parent),
    ):
        ports = {
            "LOALANG_BROKER_URL": f"mqtt://127.0.0.1:{broker.getsockname()[1]}",
            "LOALANG_BIND": f"127.0.0.1:{pages.server_port}",
        }
        yield load({**settings.environ(), **ports})
    pages.shutdown()
    thread.join()
    pages.server_close()


def test_a_healthy_controller_has_no_findings(everything_runs):
    found = list(diagnosis.examine(everything_runs, NOW))

    assert {f.name: f.en for f in found if f.health is not Health.WELL} == {}
    assert [f.name for f in found if f.en] == ["sounds"]  # the space they take


def test_keys_that_are_in_no_backup_and_a_folder_the_pages_reach_are_named(settings, tmp_path):
    load_or_create(settings.signing_key_file)
    assert found(settings)["recovery"].health is Health.WARNING
    service = tmp_path / "service"
    (service / "keys").mkdir(parents=True)
    apart = load({**settings.environ(), "LOALANG_SERVICE_DIR": str(service)})
    service.chmod(0o750)
    assert found(apart)["keys_apart"].health is Health.WELL
    service.chmod(0o770)
    assert "install-controller.sh" in found(apart)["keys_apart"].en


def test_every_fault_is_named_with_a_remedy_in_both_languages(settings):
    found = diagnosis.examine(settings, NOW)
    faults = [finding for finding in found if finding.health is not Health.WELL]
    assert {"broker", "pages", "database", "service"} <= {fault.name for fault in faults}
    for fault in faults:
        assert ":" in fault.en and fault.en.endswith(".")
        assert ":" in fault.vi and fault.vi.endswith(".")


def test_a_missing_folder_is_broken(tmp_path):
    settings = load({"LOALANG_DATA_DIR": str(tmp_path / "none")})
    assert next(diagnosis.examine(settings, NOW)).health is Health.BROKEN


def test_a_key_others_can_read_is_broken(settings, engine):
    load_or_create(settings.signing_key_file)
    settings.signing_key_file.chmod(0o644)
    assert "chmod 600" in found(settings)["signing_key"].en


def test_nobody_who_can_sign_in_is_broken(settings, engine):
    settle(engine)
    assert found(settings)["administrator"].health is Health.BROKEN


def test_an_approved_clip_without_its_sound_is_broken(settings, engine):
    with transaction(engine) as session:
        make_clip(session)
    assert found(settings)["sounds"].en.startswith("1 approved")


def test_orders_nobody_takes_are_broken(settings, engine):
    with transaction(engine) as session:
        commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": "x"}, SYSTEM, NOW)
    assert found(settings)["orders"].health is Health.WELL
    assert found(settings, NOW + timedelta(minutes=2))["orders"].health is Health.BROKEN


def test_a_database_that_cannot_be_opened_is_told_without_its_password(settings):
    url = "postgresql://loa:s3cret@127.0.0.1:9/loa"
    findings = found(load({**settings.environ(), "LOALANG_DATABASE_URL": url}))
    assert findings["database"].health is Health.BROKEN
    assert "s3cret" not in findings["database"].en


def test_looking_changes_nothing(settings, engine):
    engine.dispose()
    before = (settings.data_dir / "loalang.db").read_bytes()
    found(settings)
    assert (settings.data_dir / "loalang.db").read_bytes() == before
