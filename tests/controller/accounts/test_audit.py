"""The audit log: everyone reads their own areas', nobody rewrites it."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from controller.accounts import audit
from controller.models import AuditEntry
from tests.controller.factories import NOW


def test_entries_are_read_newest_first_within_the_own_areas(session, cast):
    for area in ("upper", "lower", "elsewhere"):
        audit.record(session, cast.alice, "clip.approve", "clip", area, cast.areas[area], NOW)
    session.flush()
    assert [e.subject_id for e in audit.page(session, cast.vera, subject_kind="clip").items] == [
        "lower",
        "upper",
    ]
    found = audit.page(session, cast.charlie, subject_kind="clip").items
    assert [entry.subject_id for entry in found] == ["elsewhere"]


def test_a_subjects_history_is_found(session, cast):
    for subject in ("x", "y", "x"):
        audit.record(
            session, cast.bob, "clip.approve", "clip", subject, cast.areas["upper"], NOW,
            {"note": subject},
        )  # fmt: skip
    session.flush()
    first = audit.page(session, cast.vera, subject_kind="clip", subject_id="x", limit=1)
    rest = audit.page(
        session, cast.vera, subject_kind="clip", subject_id="x", limit=1, cursor=first.next_cursor
    )
    assert [e.detail for e in first.items + rest.items] == [{"note": "x"}] * 2
    assert first.items[0].user_id == cast.bob.user_id


@pytest.mark.parametrize(
    "forgery",
    [
        update(AuditEntry).values(action="x"),
        delete(AuditEntry),
        text("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry"),
    ],
)
def test_the_database_refuses_to_rewrite_the_log(session, cast, forgery):
    audit.record(session, cast.alice, "clip.approve", "clip", "c", cast.areas["upper"], NOW)
    session.flush()
    with pytest.raises(DBAPIError, match="only grows"), session.begin_nested():
        session.execute(forgery)
    assert audit.page(session, cast.vera, subject_id="c").items
