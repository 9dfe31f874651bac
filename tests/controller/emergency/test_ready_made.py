"""Ready-made messages: who keeps them, in whose documents they stand, and what goes first."""

import pytest

from controller.emergency import ready_made
from controller.emergency.emergencies import ALERT_TUNE
from controller.errors import Conflict, ControllerError
from controller.library import clips
from controller.models import Tune
from controller.publishing.readiness import Holder, pinned_lacking
from protocol.messages import PinnedSound
from tests.controller.factories import make_clip
from tests.support.commune import NOW


def test_a_kept_clip_stands_in_its_areas_document_until_it_is_let_go(session, cast):
    clip = make_clip(session, area_id=cast.areas["commune"])
    sound = PinnedSound(clip.versions[0].sha256, clip.versions[0].bytes)
    assert ready_made.sounds(session, cast.areas["commune"], NOW) == ()
    ready_made.keep(session, cast.bob, clip.id, NOW)
    assert ready_made.sounds(session, cast.areas["commune"], NOW) == (sound,)
    assert ready_made.sounds(session, cast.areas["elsewhere"], NOW) == ()
    ready_made.let_go(session, cast.bob, clip.id, NOW)
    assert ready_made.sounds(session, cast.areas["commune"], NOW) == ()


def test_a_withdrawn_message_is_kept_no_longer(session, cast):
    clip = make_clip(session, area_id=cast.areas["commune"])
    ready_made.keep(session, cast.bob, clip.id, NOW)
    clips.withdraw(session, cast.bob, clip.id, NOW)
    assert ready_made.sounds(session, cast.areas["commune"], NOW) == ()


def test_what_is_not_approved_is_not_kept_and_an_editor_keeps_nothing(session, cast):
    clip = make_clip(session, area_id=cast.areas["commune"])
    with pytest.raises(ControllerError):
        ready_made.keep(session, cast.erin, clip.id, NOW)
    clips.withdraw(session, cast.bob, clip.id, NOW)
    with pytest.raises(Conflict):
        ready_made.keep(session, cast.bob, clip.id, NOW)


def test_the_tones_are_kept_by_every_root(session, cast):
    session.add(Tune(name=ALERT_TUNE, title="x", sha256="a" * 64, bytes=5, duration_ms=1))
    session.flush()
    assert ready_made.sounds(session, cast.areas["commune"], NOW) == (PinnedSound("a" * 64, 5),)
    assert ready_made.sounds(session, cast.areas["upper"], NOW) == ()


def test_a_ready_made_sound_is_offered_while_a_node_below_lacks_it():
    pinned = {"commune": (PinnedSound("a" * 64, 5), PinnedSound("b" * 64, 6))}
    here = Holder("n1", ("commune", "upper"), ("vi",), frozenset({"b" * 64}))
    away = Holder("n2", ("elsewhere",), ("vi",), frozenset())
    assert pinned_lacking(pinned, [here, away]) == {"a" * 64: 5}
