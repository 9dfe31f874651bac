"""Every outcome and reason of the wire has its words."""

from controller.outcomes.outcome_words import OUTCOMES, REASONS, outcome_word, reason_word
from protocol.outcomes import Outcome, Reason


def test_no_outcome_and_no_reason_is_without_words():
    assert set(OUTCOMES) == set(Outcome)
    assert set(REASONS) == set(Reason)


def test_words_come_in_both_languages():
    assert outcome_word("missed", "vi") == "không phát được"
    assert outcome_word("missed", "en") == "failed to play"
    assert outcome_word(None, "vi") == "đang phát"
    assert reason_word("powered_off", "vi") == "mất điện hoặc máy dừng"


def test_what_a_newer_node_says_stays_as_it_came():
    assert reason_word("solar_flare", "vi") == "solar_flare"
