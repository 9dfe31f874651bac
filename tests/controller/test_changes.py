"""The pages' live stream."""

from controller import changes
from tests.controller.factories import DAY, NOW


def test_lines_are_read_in_order_after_a_mark(session):
    mark = changes.latest(session)
    for subject in ("a", "b", "c"):
        changes.note(session, "clip", subject, None, NOW)
    session.flush()
    first = changes.after(session, mark, limit=2)
    assert [line.subject_id for line in first] == ["a", "b"]
    assert [line.subject_id for line in changes.after(session, first[-1].seq)] == ["c"]
    assert changes.latest(session) == mark + 3


def test_old_lines_are_removed(session):
    changes.note(session, "clip", "old", None, NOW - DAY)
    changes.note(session, "clip", "new", None, NOW)
    session.flush()
    assert changes.prune(session, NOW) == 1
    assert [line.subject_id for line in changes.after(session, 0)] == ["new"]
