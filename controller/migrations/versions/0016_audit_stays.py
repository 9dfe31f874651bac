"""the audit log refuses what a row trigger on UPDATE and DELETE does not see

SQLite's INSERT OR REPLACE deletes without firing a trigger; PostgreSQL's TRUNCATE touches no row.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER audit_entry_stays_whole BEFORE TRUNCATE ON audit_entry "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays()"
        )
        return
    op.execute(
        "CREATE TRIGGER audit_entry_stays_insert BEFORE INSERT ON audit_entry "
        "WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entry_stays_whole ON audit_entry")
        return
    op.execute("DROP TRIGGER audit_entry_stays_insert")
