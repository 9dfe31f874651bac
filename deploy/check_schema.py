"""`make check`: the migrations, run on an empty database, give exactly what the models say."""

import sys
import tempfile
from pathlib import Path

from controller import schema
from controller.database import open_engine, sqlite_url


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(sqlite_url(Path(folder) / "check.db"))
        schema.upgrade(engine)
        differences = schema.differences(engine)
        engine.dispose()
    for difference in differences:
        print(f"models and migrations differ: {difference}", file=sys.stderr)
    if not differences:
        print("Models and migrations agree.")
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
