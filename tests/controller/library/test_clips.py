"""The library: approval of each recording, what may air, and finding a clip."""

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.errors import Conflict, NotAllowed, NotFound
from controller.library import clips
from controller.library.clips import ClipFilters
from controller.models import Approval, AuditEntry, ServiceCommand
from controller.planning import airings
from controller.scheduling import approvals, schedules
from controller.searching import matches, plain
from tests.controller.factories import (
    DAY,
    HOUR,
    NOW,
    add_version,
    make_clip,
    schedule_input,
)


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def pending(session, cast, commune):
    return make_clip(session, area_id=commune, author=cast.erin.user_id, status=Approval.PENDING)


def test_a_pending_clip_does_not_air_and_an_approved_one_does(session, cast, pending):
    assert clips.airable(session, pending.id, NOW) is None
    version = clips.approve(session, cast.bob, pending.id, NOW, "tốt")
    assert clips.airable(session, pending.id, NOW) is version
    assert (version.decided_by, version.decision_note) == (cast.bob.user_id, "tốt")
    assert session.scalars(select(AuditEntry.action)).all()[-1] == "clip.approve"
    command = session.scalars(select(ServiceCommand)).one()
    assert (command.kind, command.body) == (
        "clip_changed",
        {"clip_id": pending.id, "area_ids": []},
    )


def test_approving_twice_changes_nothing(session, cast, pending):
    clips.approve(session, cast.bob, pending.id, NOW)
    clips.approve(session, cast.alice, pending.id, NOW + HOUR)
    assert pending.versions[-1].decided_by == cast.bob.user_id


def test_the_author_may_not_approve_where_policy_says_so(session, cast, commune):
    clip = make_clip(session, area_id=commune, author=cast.bob.user_id, status=Approval.PENDING)
    policy = {"approval": {"author_may_approve": False}}
    area_edits.update(session, cast.alice, commune, {"policy": policy}, NOW)
    with pytest.raises(NotAllowed):
        clips.approve(session, cast.bob, clip.id, NOW)
    clips.approve(session, cast.alice, clip.id, NOW)


def test_an_editor_decides_nothing(session, cast, pending):
    for decide in (clips.approve, clips.reject, clips.withdraw):
        with pytest.raises(NotAllowed):
            decide(session, cast.erin, pending.id, NOW)


def test_a_rejected_clip_keeps_the_reason(session, cast, pending):
    version = clips.reject(session, cast.bob, pending.id, NOW, "nghe không rõ")
    assert (version.status, version.decision_note) == (Approval.REJECTED, "nghe không rõ")
    assert clips.airable(session, pending.id, NOW) is None


def test_what_airs_is_withdrawn_and_not_rejected(session, cast, pending):
    clips.approve(session, cast.bob, pending.id, NOW)
    with pytest.raises(Conflict):
        clips.reject(session, cast.bob, pending.id, NOW)


def test_the_old_version_airs_until_the_new_one_is_approved(session, cast, pending):
    old = clips.approve(session, cast.bob, pending.id, NOW)
    new = add_version(session, pending, status=Approval.PENDING)
    assert clips.airable(session, pending.id, NOW) is old
    clips.approve(session, cast.bob, pending.id, NOW)
    assert clips.airable(session, pending.id, NOW) is new


def test_withdrawal_silences_every_version(session, cast, pending):
    clips.approve(session, cast.bob, pending.id, NOW)
    add_version(session, pending)
    clips.withdraw(session, cast.bob, pending.id, NOW, "sai nội dung")
    assert clips.airable(session, pending.id, NOW) is None
    assert {v.status for v in pending.versions} == {Approval.WITHDRAWN}


def test_a_clip_airs_only_while_it_is_valid(session):
    clip = make_clip(session, valid_from=NOW, valid_until=NOW + DAY)
    assert clips.airable(session, clip.id, NOW - HOUR) is None
    assert clips.airable(session, clip.id, NOW) is not None
    assert clips.airable(session, clip.id, NOW + DAY) is None


def test_an_expired_clip_is_not_approved(session, cast, commune):
    clip = make_clip(session, area_id=commune, status=Approval.PENDING, valid_until=NOW + HOUR)
    with pytest.raises(Conflict) as refused:
        clips.approve(session, cast.bob, clip.id, NOW + DAY)
    assert refused.value.code == "clip_expired"


def test_a_longer_version_moves_the_end_of_airings_ahead(session, cast, commune, pending):
    clips.approve(session, cast.bob, pending.id, NOW)
    schedule, _ = schedules.create(session, cast.erin, schedule_input(pending.id, commune), NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    add_version(session, pending, status=Approval.PENDING, duration_ms=90_000)
    clips.approve(session, cast.bob, pending.id, NOW)
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert (view.airing.ends_at - view.airing.starts_at).total_seconds() == 90


def test_a_clip_is_shared_downwards_and_not_sideways(session, cast, commune):
    common = make_clip(session, title="Của mọi nơi")
    of_commune = make_clip(session, title="Của xã", area_id=commune)
    of_village = make_clip(session, title="Của thôn", area_id=cast.areas["upper"])
    assert clips.get(session, cast.charlie, common.id) is common
    for clip in (of_commune, of_village):
        with pytest.raises(NotFound):
            clips.get(session, cast.charlie, clip.id)
    titles = {
        view.clip.title for view in clips.page(session, cast.vera, ClipFilters(), now=NOW).items
    }
    assert titles == {"Của mọi nơi", "Của xã", "Của thôn"}


def test_what_belongs_to_all_is_not_a_communes_to_decide(session, cast):
    clip = make_clip(session, status=Approval.PENDING)
    with pytest.raises(NotFound):
        clips.approve(session, cast.bob, clip.id, NOW)


def test_filters_narrow_the_library(session, cast, commune, pending):
    make_clip(session, title="Thanh toán", topic=2, area_id=commune)
    make_clip(session, title="Hmoob", language="hmn", area_id=cast.areas["upper"])

    def titles(**filters):
        found = clips.page(session, cast.erin, ClipFilters(**filters), now=NOW)
        return sorted(view.clip.title for view in found.items)

    assert titles(topic=2) == ["Thanh toán"]
    assert titles(language="hmn") == ["Hmoob"]
    assert titles(status=Approval.PENDING) == ["Cài VNeID"]
    assert titles(area_id=cast.areas["upper"]) == ["Hmoob"]
    assert titles(q="thanh toan") == ["Thanh toán"]
    assert titles(q="không có") == []


def test_the_library_is_read_a_page_at_a_time(session, cast, commune):
    for i in range(5):
        make_clip(session, title=f"Bản {i}", area_id=commune, now=NOW + i * HOUR)
    seen, cursor = [], None
    while True:
        found = clips.page(session, cast.erin, ClipFilters(), now=NOW, limit=2, cursor=cursor)
        seen += [view.clip.title for view in found.items]
        cursor = found.next_cursor
        if cursor is None:
            break
    assert seen == [f"Bản {i}" for i in reversed(range(5))]


def test_a_new_recording_flags_its_translation_as_stale(session, commune):
    original = make_clip(session, area_id=commune)
    translation = make_clip(
        session, area_id=commune, language="hmn", translation_of=original.id, now=NOW + HOUR
    )
    assert not clips.view(session, translation, NOW).stale
    add_version(session, original, now=NOW + DAY)
    assert clips.view(session, translation, NOW).stale


def test_search_knows_no_accents():
    assert plain("Đường DÂY nóng") == "duong day nong"
    assert matches("nong duong", "Đường dây nóng", None)
    assert matches("Đường", "duong day")
    assert not matches("lanh", "Đường dây nóng")


def test_a_recording_that_was_turned_down_makes_no_translation_stale(session, cast, commune):
    original = make_clip(session, area_id=commune)
    translation = make_clip(
        session, area_id=commune, language="hmn", translation_of=original.id, now=NOW + HOUR
    )
    add_version(session, original, status=Approval.PENDING, now=NOW + DAY)
    assert clips.view(session, translation, NOW + DAY).stale
    clips.reject(session, cast.bob, original.id, NOW + DAY)
    assert not clips.view(session, translation, NOW + DAY).stale


def test_a_longer_version_that_waits_does_not_lengthen_what_airs(session, cast, commune, pending):
    clips.approve(session, cast.bob, pending.id, NOW)
    schedule, _ = schedules.create(session, cast.erin, schedule_input(pending.id, commune), NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    add_version(session, pending, status=Approval.PENDING, duration_ms=90_000)
    airings.roll(session, NOW)
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert (view.airing.ends_at - view.airing.starts_at).total_seconds() == 60
    (planned, *_) = schedules.draft(
        session, cast.erin, schedule_input(pending.id, commune), NOW
    ).occurrences
    assert (planned.ends_at - planned.starts_at).total_seconds() == 90


def test_a_clip_of_a_neighbour_is_named_before_saving(session, cast, commune):
    own = make_clip(session, area_id=commune)
    theirs = make_clip(session, area_id=cast.areas["elsewhere"], title="Của xã bên")
    assert "elsewhere" not in rules_of(session, schedule_input(own.id, cast.areas["upper"]))
    found = schedules.draft(session, SYSTEM, schedule_input(theirs.id, commune), NOW)
    (hint,) = [each for each in found.conflicts if each["rule"] == "elsewhere"]
    assert "Xã Khác" in hint["vi"]
    assert not hint["blocking"]


def rules_of(session, data):
    return {each["rule"] for each in schedules.draft(session, SYSTEM, data, NOW).conflicts}
