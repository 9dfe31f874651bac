"""Which stored sounds are still named by the database, and the removal of all others.

Anything any row names stays for good, the untouched originals too: an airing, an undo or a late
report may need it. What no row names is a preview, a copy to share, or what a refused or killed
upload left; it goes once it is old.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audio_library.store import Store
from controller import database
from controller.models import Base

# Longer than any upload takes to be written down, and than a village stays cut off from a preview.
GRACE: Final = timedelta(days=7)
_WAITS: Final = timedelta(days=1)


def collect(engine: Engine, store: Store, now: datetime) -> int:
    """Remove unnamed sounds older than `GRACE`; how many."""
    with database.reading(engine) as session:
        kept = named(session)
    return len(store.collect(kept, GRACE.total_seconds(), now.timestamp()))


def named(session: Session) -> set[str]:
    """Every hash in any table: a table added later cannot be forgotten here."""
    found: set[str] = set()
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if column.name.endswith("sha256"):
                found.update(session.scalars(select(column).where(column.is_not(None)).distinct()))
    return found


def sweep(folder: Path, now: datetime) -> int:
    """Remove files that a killed upload or export left in the temporary folder; how many."""
    oldest = (now - _WAITS).timestamp()
    old = [path for path in folder.glob("*") if path.is_file() and path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
