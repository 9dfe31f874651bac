"""`python -m controller.ingest_worker`: one more process that takes in reports, and nothing else.

It shares the subscription of reports with the service and with its like, so the broker hands each
batch to one of them. Reports are free of order and kept once whoever handles them. Its session on
the broker ends with it: what it had not acknowledged the nodes send again.
"""

import logging
import os
import secrets
import signal
import sys
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import Engine

from controller import database, schema
from controller import settings as configuration
from controller.errors import ControllerError
from controller.keys.signing import Keyring
from controller.mqtt.ingest import Ingest, Listeners
from controller.mqtt.link import Link
from controller.mqtt.publisher import Publisher
from controller.service import broker_address
from controller.settings import Settings
from protocol.topics import Topics

_POLL_S = 0.25
_KEYS_READ_EVERY_S = 10.0  # nodes refuse acknowledgements signed by a retired key


def run(settings: Settings, engine: Engine, stop: threading.Event) -> None:
    """Until `stop` is set."""
    topics = Topics(settings.site)
    link = Link(
        broker_address(settings),
        f"loalang-ingest-{settings.site}-{secrets.token_hex(4)}",
        [topics.shared_reports(settings.report_group)],
        make_will=None,
        on_up=lambda _: None,
        on_arrival=lambda arrival: ingest.put(arrival),
        session_s=0,
    )
    ring = Keyring(settings.signing_key_file)
    ingest = Ingest(
        engine,
        Publisher(engine, link, ring, topics, lambda: datetime.now(UTC)),
        link.acknowledge,
        Listeners(lambda _: None, lambda *_: None, lambda: None),
        lambda: datetime.now(UTC),
        time.monotonic,
    )
    link.start()
    try:
        read_s = time.monotonic()
        while not stop.is_set():
            ingest.step(_POLL_S, stop)
            if time.monotonic() - read_s > _KEYS_READ_EVERY_S:
                ring.reload()
                read_s = time.monotonic()
    finally:
        link.stop()


def main() -> int:
    """Configured by the environment, as the service is."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = configuration.load(os.environ)
        engine = database.open_engine(settings.database_url)
        schema.require_current(engine)
        run(settings, engine, stop)
    except ControllerError as error:
        print(error.sentence("en"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
