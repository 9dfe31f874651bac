"""The signature tunes and alert tones, made once and kept in the store under their names.

`python -m controller.library.tunes` makes what is missing; the controller's supervisor runs it at
every start, in a process of its own, because making sound needs libraries the service does without.
"""

import os
import sys
from datetime import UTC, datetime

from sqlalchemy import Engine, select

from audio_library.store import Store
from audio_library.tune_names import TUNES
from controller import database
from controller import settings as configuration
from controller.models import Tune
from controller.services import open_services


def make_missing(engine: Engine, store: Store) -> int:
    """Make every tune that has no row, or whose file is gone; how many."""
    return make(engine, store, *TUNES)


def make(engine: Engine, store: Store, *names: str) -> int:
    """Make those of `names` that are missing; how many."""
    with database.reading(engine) as session:
        kept = {tune.name for tune in session.scalars(select(Tune)) if store.has(tune.sha256)}
    missing = [name for name in names if name not in kept]
    for name in missing:
        _make(engine, store, name)
    return len(missing)


def _make(engine: Engine, store: Store, name: str) -> None:
    from audio_library.assembly import signature_tune

    made = signature_tune(name, store)
    with database.transaction(engine) as session:
        session.merge(
            Tune(
                name=name,
                title=TUNES[name].vi,
                sha256=made.sha256,
                bytes=made.bytes,
                duration_ms=made.duration_ms,
            )
        )


def main() -> int:
    services = open_services(configuration.load(os.environ), lambda: datetime.now(UTC))
    make_missing(services.engine, services.store)
    return 0


if __name__ == "__main__":
    sys.exit(main())
