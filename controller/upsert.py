"""INSERT … ON CONFLICT DO NOTHING on both databases: what makes ingest and presuming idempotent.

`Bulk` is the fast lane for the tables that grow with every broadcast. SQLAlchemy prepares each row
of a statement by itself, which costs more than the database does; there a statement is compiled
once, values are converted a column at a time and the rows go straight to the driver.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from controller.models import Base

Values = tuple[Any, ...]


def insert_missing(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows whose primary key is not there yet; leave the others as they are."""
    if rows:
        insert = _insert(session.get_bind().dialect.name)
        session.execute(insert(model).on_conflict_do_nothing(), list(rows))


class Bulk:
    """A statement run for many rows; a row is a tuple of values in the order of `names`."""

    def __init__(
        self,
        make: Callable[[str], UpdateBase],
        names: Sequence[str],
        as_is: Collection[str] = (),
    ) -> None:
        """`make(name of the dialect)` gives the statement; `names` are those of its binds.

        `as_is`: those whose values are what the driver takes, such as the text of a JSON column.
        """
        self._make = make
        self._as_is = frozenset(as_is)
        self._names = tuple(names)
        self._prepared: dict[str, _Prepared] = {}

    @classmethod
    def insert(cls, table: Table, names: Sequence[str]) -> "Bulk":
        return cls(lambda _: plain_insert(table), names)

    @classmethod
    def insert_missing(
        cls, table: Table, names: Sequence[str], as_is: Collection[str] = ()
    ) -> "Bulk":
        """Rows whose primary key is there stay as they are."""
        return cls(lambda dialect: _insert(dialect)(table).on_conflict_do_nothing(), names, as_is)

    def run(self, session: Session, rows: Iterable[Values]) -> int:
        """How many rows it has changed."""
        connection = session.connection()
        prepared = self._prepared_for(connection.dialect)
        parameters = prepared.parameters(rows)
        if not parameters:
            return 0
        options = {"preserve_rowcount": True}
        return connection.exec_driver_sql(
            prepared.text, parameters, execution_options=options
        ).rowcount

    def _prepared_for(self, dialect: Dialect) -> "_Prepared":
        if dialect.name not in self._prepared:
            statement = self._make(dialect.name)
            compiled = statement.compile(dialect=dialect, column_keys=list(self._names))
            assert isinstance(compiled, SQLCompiler)
            self._prepared[dialect.name] = _Prepared(compiled, dialect, self._names, self._as_is)
        return self._prepared[dialect.name]


class _Prepared:
    """A statement's text for one dialect, and how its values become what the driver takes."""

    def __init__(
        self,
        compiled: SQLCompiler,
        dialect: Dialect,
        names: Sequence[str],
        as_is: Collection[str],
    ) -> None:
        self.text = str(compiled)
        self._names = names
        at = {name: position for position, name in enumerate(names)}
        positional = compiled.positiontup
        self._order = None if positional is None else [at[name] for name in positional]
        types = ((name, compiled.binds[name].type.dialect_impl(dialect)) for name in names)
        self._convert = [
            None if name in as_is else type_.bind_processor(dialect) for name, type_ in types
        ]

    def parameters(self, rows: Iterable[Values]) -> list[Any]:
        columns = [
            column if convert is None else list(map(convert, column))
            for convert, column in zip(self._convert, zip(*rows, strict=True), strict=False)
        ]
        if self._order is not None:
            return list(zip(*(columns[n] for n in self._order), strict=True)) if columns else []
        return [dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)]


def _insert(dialect: str) -> Any:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert
