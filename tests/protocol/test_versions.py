"""Old and new versions side by side: what one of them does not know costs only what it is about."""

import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import from_json, to_json
from protocol.errors import Malformed
from protocol.examples.make import messages as golden
from protocol.examples.make import page
from protocol.messages import EPOCH, Airing, AreaState, Command, DayPage, Report, ReportBatch
from protocol.outcomes import AiringClass, Outcome, PartKind, Reason, ReportKind
from protocol.pages import unpack_page

MESSAGES = [message for *_, message in golden()] + [page()]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
NEW_WORD = st.text(min_size=1, max_size=12).filter(
    lambda word: (
        word not in {w for kind in (AiringClass, Outcome, ReportKind) for w in kind}
        and word not in {"schedule", "emergency", "test", "live", "relay"}
    )
)


def strewn(data, keys, said):
    """The same JSON with fields of a later version in every object."""
    if isinstance(data, dict):
        inner = {key: strewn(each, keys, said) for key, each in data.items()}
        return {**{f"later {key}": said for key in keys}, **inner}
    return [strewn(each, keys, said) for each in data] if isinstance(data, list) else data


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MESSAGES), st.sets(st.text(max_size=5), max_size=3), ANYTHING)
def test_whatever_a_later_version_adds_anywhere_changes_nothing(message, keys, said):
    maps = {"args", "fetching", "refused", "details"}  # text to text or number: keys are content
    data = {
        key: each if key in maps else strewn(each, keys, said)
        for key, each in to_json(message).items()
    }
    assert from_json(type(message), data) == message


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MESSAGES), st.data())
def test_whatever_an_earlier_version_leaves_out_has_its_default(message, data):
    whole = to_json(message)
    left = data.draw(st.sets(st.sampled_from(sorted(whole))))
    blank = to_json(type(message)())
    read = from_json(type(message), {k: v for k, v in whole.items() if k not in left})
    assert to_json(read) == {k: blank[k] if k in left else whole[k] for k in whole}


def airing(number, **said):
    return to_json(Airing(f"a{number}", title=f"Bài {number}")) | said


def read_page(airings):
    said = {"area_id": "a", "day": "2026-11-22", "airings": airings}
    return unpack_page(zlib.compress(json.dumps(said).encode()))


@settings(deadline=None)
@given(st.sampled_from(["class", "origin"]), NEW_WORD, st.integers(0, 4))
def test_an_airing_of_a_new_class_or_origin_is_set_aside_alone(field, word, place):
    airings = [airing(n) for n in range(5)]
    whole = read_page(airings).airings
    airings[place][field] = word
    read = read_page(airings).airings
    assert read[:place] + read[place + 1 :] == whole[:place] + whole[place + 1 :]
    assert read[place].airing_id == f"a{place}"
    (part,) = read[place].parts
    assert part.kind not in set(PartKind)
    assert not part.sha256


@settings(deadline=None)
@given(ANYTHING, st.sampled_from(sorted(to_json(Airing()))))
def test_whatever_one_airing_says_the_others_play(said, field):
    """What cannot be read never becomes something that sounds."""
    odd = airing(1, **{field: said})
    first, read, last = read_page([airing(0), odd, airing(2)]).airings
    assert (first.airing_id, last.airing_id) == ("a0", "a2")
    try:
        assert read == from_json(Airing, odd)
    except Malformed:
        assert all(part.kind not in set(PartKind) for part in read.parts)
        assert read.class_ is AiringClass.NORMAL


@pytest.mark.parametrize("odd", [None, 7, "a1", [], {}])
def test_what_is_no_airing_at_all_has_no_id_and_no_time(odd):
    _, read = read_page([airing(0), odd]).airings
    assert (read.airing_id, read.starts_at) == ("", EPOCH)


def test_a_stop_and_a_cancelling_hold_beside_an_emergency_of_a_later_version():
    said = to_json(AreaState("a", 7, stopped_at=EPOCH, cancelled=("e0",)))
    state = from_json(AreaState, said | {"airings": [airing(1, origin="siren")]})
    assert (state.revision, state.stopped_at, state.cancelled) == (7, EPOCH, ("e0",))
    assert [each.airing_id for each in state.airings] == ["a1"]


def test_a_command_to_play_something_of_a_later_version_can_still_be_answered():
    said = {"command_id": "c1", "verb": "play", "airing": airing(1, **{"class": "drill"})}
    command = from_json(Command, said)
    assert command.airing.airing_id == "a1"
    assert command.airing.parts[0].kind not in set(PartKind)


def report(seq, **said):
    whole = Report(seq, airing_id=f"a{seq}", outcome=Outcome.PLAYED, played_ms=9000)
    return to_json(whole) | said


@settings(deadline=None)
@given(st.sampled_from(["kind", "outcome"]), NEW_WORD)
def test_a_report_with_a_new_word_keeps_its_number_and_leaves_the_others_alone(field, word):
    said = {"store_epoch": "e", "reports": [report(1), report(2, **{field: word}), report(3)]}
    first, odd, last = from_json(ReportBatch, said).reports
    assert (first, last) == tuple(from_json(Report, report(n)) for n in (1, 3))
    assert (odd.seq, odd.airing_id, odd.played_ms) == (2, "a2", 9000)
    assert odd.reason == Reason.NOT_UNDERSTOOD
    assert odd.kind is (ReportKind.UNKNOWN if field == "kind" else ReportKind.FINISHED)
    assert odd.outcome is (Outcome.PLAYED if field == "kind" else None)


@settings(deadline=None)
@given(ANYTHING, st.sampled_from(sorted(set(to_json(Report())) - {"seq"})))
def test_whatever_one_field_of_a_report_says_its_number_can_be_acknowledged(said, field):
    batch = {"store_epoch": "e", "reports": [report(1, **{field: said}), report(2)]}
    assert [each.seq for each in from_json(ReportBatch, batch).reports] == [1, 2]


def test_a_report_that_leaves_its_kind_out_means_the_default_one():
    said = {k: v for k, v in report(1, outcome="sung").items() if k != "kind"}
    (read,) = from_json(ReportBatch, {"store_epoch": "e", "reports": [said]}).reports
    assert read.kind is ReportKind.FINISHED


def test_by_itself_an_airing_of_a_later_version_is_malformed():
    with pytest.raises(Malformed, match="class"):
        from_json(Airing, airing(1, **{"class": "drill"}))
    assert from_json(DayPage, {"airings": []}) == replace(DayPage(), airings=())
