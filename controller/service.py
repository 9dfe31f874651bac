"""The controller's service: speaks to the broker and keeps house. Loads no Flask.

Start in order, stop in reverse; the one file to read first. Pages and API write rows; this process
claims their commands, publishes what follows, takes in what nodes report, and does the recurring
work. Threads: the MQTT client's, `ingest`, `seeder`, `desk` (documents), the scheduler's, and the
main loop here, which carries out stops and emergencies and never waits for the others.
"""

import logging
import os
import queue
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from types import FrameType

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from audio_library.store import Store
from controller import database, schema, sd_notify
from controller import settings as configuration
from controller.bell import bell, rang
from controller.commands import CommandKind
from controller.errors import ControllerError
from controller.fleet.enrolment import Bound
from controller.keys.certificates import Authority
from controller.keys.signing import Keyring
from controller.mqtt.clip_seeder import ClipSeeder
from controller.mqtt.ingest import Ingest, Listeners
from controller.mqtt.ledger import FileLedger
from controller.mqtt.link import Arrival, BrokerAddress, Link
from controller.mqtt.publisher import RETAINED_FOR, Publisher
from controller.one_service import Keeps, leading
from controller.publishing.commander import Commander, ordinary, urgent
from controller.publishing.desk import BlobSource, Desk
from controller.publishing.fence import Fence
from controller.publishing.orders import Orders
from controller.publishing.page_store import PageStore
from controller.publishing.vouching import Voucher
from controller.sequence import LeadLost
from controller.settings import Settings
from controller.upkeep import recovery
from controller.upkeep.housekeeping import Keeping, jobs, scheduler
from controller.usb import pack_signing
from protocol.envelope import MessageType
from protocol.errors import ProtocolError
from protocol.messages import ControllerState, Want
from protocol.topics import Topics

_log = logging.getLogger(__name__)

_POLL_S = 0.25
_WATCHDOG_S = 5.0
_HANGS_S = 120.0  # a province's documents take their time; nothing takes longer than this


class Service:
    """Everything the running service is made of; `step` is one turn of its main loop."""

    def __init__(self, settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._epoch = secrets.token_hex(8)
        self._stop = threading.Event()
        self._turned_s: dict[str, float] = {}  # when each loop last came round
        self._came_up = threading.Event()
        self._work = threading.Event()  # rung for the desk
        self._replan = threading.Event()
        self._rebuild = threading.Event()
        self._newly_bound: queue.SimpleQueue[Bound] = queue.SimpleQueue()
        topics = Topics(settings.site)
        self.fence = self._fence()
        self.link = Link(
            broker_address(settings),
            f"loalang-controller-{settings.site}",
            _subscriptions(topics, settings) + (self.fence.topics if self.fence else []),
            make_will=lambda: self._state(online=False),
            on_up=self._on_up,
            on_arrival=self._arrived,
        )
        ring = Keyring(settings.signing_key_file)
        second = settings.second_signer
        self.publisher = Publisher(engine, self.link, ring, topics, clock, second=second)
        self.voucher = Voucher(engine, self.publisher, ring, second, clock)
        pages = PageStore(settings.day_pages_dir)
        self.seeder = ClipSeeder(
            self.link.publish,
            topics,
            BlobSource(pages, Store(settings.store_dir)),
            FileLedger(settings.service_dir / "seeded.json"),
            time.monotonic,
        )
        self.desk = Desk(
            engine,
            self.publisher,
            self.seeder,
            pages,
            settings.horizon_days,
            clock,
            fence=self.fence,
        )
        self.ingest = Ingest(
            engine,
            self.publisher,
            self.link.acknowledge,
            Listeners(self._bound, self._wanted, self._replan.set),
            clock,
            time.monotonic,
        )
        self.orders = Orders(engine, self.publisher, self.seeder.offer, clock)
        self._urgent = Commander(engine, urgent(self.orders), clock)
        more = {CommandKind.PACK_SIGN: partial(pack_signing.answer, settings, engine)}
        self._ordinary = Commander(engine, ordinary(self.desk, self._vouch, more), clock)
        self._keeping = Keeping(
            engine,
            self.desk,
            self.orders,
            clock,
            settings.horizon_days,
            timedelta(seconds=settings.ready_check_s),
            timedelta(seconds=settings.missed_grace_s),
            Store(settings.store_dir),
            settings.temporary_dir,
        )

    def run(self, stop: threading.Event, keeps_lead: Keeps = lambda: True) -> bool:
        """Until `stop` is set, or the lead is lost; whether it was still ours."""
        with ExitStack() as stack:
            heard = stack.enter_context(bell(self._settings.wake_path))
            pack_signing.tell(self._settings)
            recovery.seal(self._settings)
            self.publisher.resume()
            self.voucher.say()
            self.desk.configure()
            self.orders.refresh()
            self.link.start()
            stack.callback(self._leave)
            for name, turn in (
                ("ingest", self._ingest_turn),
                ("seeder", self._seed_turn),
                ("desk", self._desk_turn),
            ):
                stack.enter_context(self._thread(name, turn))
            timed = scheduler(jobs(self._keeping), datetime.now(UTC))  # its own is the machine's
            timed.start()
            stack.callback(timed.shutdown)
            sd_notify.notify("READY=1")
            stack.callback(self.link.hurry)
            stack.callback(sd_notify.notify, "STOPPING=1")
            return self._loop(stop, heard, keeps_lead)

    def step(self) -> bool:
        """One turn of the main loop: a stop or an emergency goes before everything."""
        return self._urgent.step()

    def desk_step(self) -> bool:
        """What a new connection needs, what nodes' holdings change, one ordinary command."""
        if self._came_up.is_set() and self.link.up:
            self._came_up.clear()
            self._greet()
        self._welcome()
        if self._rebuild.is_set():
            self._rebuild.clear()
            self.desk.refresh()
        if self._replan.is_set():
            self._replan.clear()
            self.desk.seed()
        return self._ordinary.step()

    def turns(self, now_s: float) -> bool:
        """Whether every loop has come round lately; `now_s` is monotonic."""
        return all(now_s - turned_s < _HANGS_S for turned_s in self._turned_s.values())

    # --- the loops' heads ----------------------------------------------------------------------

    def _loop(self, stop: threading.Event, heard: socket.socket, keeps_lead: Keeps) -> bool:
        alive_at = 0.0
        while not stop.is_set():
            if time.monotonic() - alive_at > _WATCHDOG_S and self.turns(time.monotonic()):
                alive_at = time.monotonic()
                # First of all after a pause: while we stood still another may have taken over.
                if not (keeps_lead() and self.publisher.leads()):
                    _log.error("another service leads now; this one stops acting")
                    return False
                sd_notify.notify("WATCHDOG=1")
            if not _guarded("the main loop", self.step) and rang(heard):
                self._work.set()
        return True

    def _ingest_turn(self) -> None:
        self.ingest.step(_POLL_S, self._stop)

    def _desk_turn(self) -> None:
        self._work.clear()
        if not self.desk_step():
            self._work.wait(_POLL_S)

    def _seed_turn(self) -> None:
        pause_s = self.seeder.step()
        if pause_s is None:
            self.seeder.wait(_POLL_S * 4)
        elif pause_s:
            self._stop.wait(pause_s)

    @contextmanager
    def _thread(self, name: str, turn: Callable[[], None]) -> Iterator[None]:
        def work() -> None:
            while not self._stop.is_set():
                _guarded(name, turn)
                self._turned_s[name] = time.monotonic()

        self._turned_s[name] = time.monotonic()
        thread = threading.Thread(target=work, name=name)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self.seeder.wake()
            self._work.set()
            thread.join()

    # --- the link ------------------------------------------------------------------------------

    def _on_up(self, session_present: bool) -> None:
        if not session_present:
            self.seeder.forget()
        self._came_up.set()

    def _greet(self) -> None:
        """A fresh connection: say that we are there, and everything retained once more."""
        if self.fence:
            self.fence.doubt()
            self.fence.update()
        topic, sealed = self._state(online=True)
        self.link.publish(topic, sealed, retain=True)
        self.publisher.repeat_all()

    def _leave(self) -> None:
        try:
            self.link.stop(self._state(online=False))
        except (LeadLost, DBAPIError):  # the other one says what holds; or nobody can number it
            self.link.stop()

    def _state(self, *, online: bool) -> tuple[str, bytes]:
        state = ControllerState(online, self._epoch, version("loalang"))
        with database.transaction(self._engine) as session:
            sealed = self.publisher.seal(
                session, MessageType.CONTROLLER_STATE, "site", state, RETAINED_FOR
            )
        return self.publisher.topics.controller_state(), sealed

    def _vouch(self, keys_changed: bool) -> int:
        said = int(self.voucher.say())
        if keys_changed:
            said += self.desk.configure() + self.desk.refresh() + self.orders.refresh()
            self._came_up.set()  # what is said once a connection wants the new signatures, too
        return said

    def _fence(self) -> Fence | None:
        folder, authority = self._settings.broker_access_dir, self._settings.device_authority_file
        if folder is None or authority is None:
            return None
        return Fence(
            self._engine,
            self._settings.site,
            folder,
            Authority.load(authority),
            lambda topic, payload: self.link.publish(topic, payload),
            self._clock,
        )

    def _arrived(self, arrival: Arrival) -> None:
        if self.fence and self.fence.heard(arrival.topic):
            self.link.acknowledge(arrival)
        else:
            self.ingest.put(arrival)

    def _bound(self, bound: Bound) -> None:
        # The desk sees to it: the broker may take a moment to open the door, and ingest must not
        # wait for that.
        self._newly_bound.put(bound)
        self._work.set()

    def _welcome(self) -> None:
        bound = []
        while not self._newly_bound.empty():
            bound.append(self._newly_bound.get())
        if bound:
            self.desk.bind(bound)
            self._rebuild.set()  # their areas may never have been served

    def _wanted(self, device_id: str, want: Want) -> None:
        try:
            if not self.seeder.asked_by(device_id, want):
                _log.warning("a node wants %s, which is not held here", want.sha256)
        except ProtocolError as error:
            _log.warning("a wish that cannot be read: %s", error)


def run(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    """Run the service until SIGTERM or SIGINT. Returns the exit status."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    engine = database.open_engine(settings.database_url)
    try:
        schema.require_current(engine)
        with leading(engine, settings.wake_path.parent, stop, _standing_by) as keeps_lead:
            if stop.is_set():
                return 0
            service = Service(settings, engine, clock)
            return 0 if service.run(stop, keeps_lead) else 1
    except ControllerError as error:
        print(error.sentence("en"), file=sys.stderr)
        return 1
    finally:
        engine.dispose()


def _standing_by() -> None:
    """A service that waits for the lead is well."""
    sd_notify.notify("READY=1")
    sd_notify.notify("WATCHDOG=1")


def _subscriptions(topics: Topics, settings: Settings) -> list[str]:
    """Everything; the reports shared when other processes take them in as well."""
    plain, shared = topics.from_device("+", "report"), settings.ingest_workers > 1
    return [
        topics.shared_reports(settings.report_group) if shared and topic == plain else topic
        for topic in topics.everything_from_devices()
    ]


def broker_address(settings: Settings) -> BrokerAddress:
    return BrokerAddress.from_url(
        settings.broker_url,
        settings.broker_user,
        settings.broker_password,
        settings.broker_ca_file,
    )


def _guarded(what: str, turn: Callable[[], bool | None]) -> bool:
    """The head of a loop: what fails is logged, and the loop goes on."""
    try:
        return bool(turn())
    except Exception:
        _log.exception("%s failed", what)
        time.sleep(_POLL_S)
        return False


def main() -> int:
    """`python -m controller.service`, configured by the environment."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    try:
        settings = configuration.load(os.environ)
    except configuration.SettingsError as error:
        print(error.sentence("en"), file=sys.stderr)
        return 2
    return run(settings)


if __name__ == "__main__":
    _status = main()
    logging.shutdown()
    # Everything that needs an orderly end has had it. Taking the interpreter apart costs seconds
    # on a busy machine, and whoever supervises us waits for them.
    os._exit(_status)
