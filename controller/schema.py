"""The schema's version: upgrade it, refuse to start on an old one, compare it with the models."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from controller.errors import ControllerError
from controller.models import Base

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`; each step is one transaction."""
    with _migrating(engine) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to `revision` ("base" for empty)."""
    with _migrating(engine) as connection:
        command.downgrade(_config(connection), revision)


def revise(engine: Engine, message: str) -> None:
    """Write a new migration from the difference between models and database."""
    with _migrating(engine) as connection:
        command.revision(_config(connection), message, autogenerate=True)


def require_current(engine: Engine) -> None:
    """Raise ControllerError unless the database is at the newest version."""
    newest = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != newest:
        raise ControllerError(
            "old_schema",
            f"Cơ sở dữ liệu ở phiên bản {found}, cần {newest}: hãy chạy «loalang migrate».",
            f"The database is at version {found}, this program needs {newest}: "
            "run 'loalang migrate'.",
        )


def differences(engine: Engine) -> list[Any]:
    """What models and database disagree about; empty when they match."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def _migrating(engine: Engine) -> Any:
    # Alembic opens one transaction per migration itself; ours must not hold another around it.
    return engine.connect()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config
