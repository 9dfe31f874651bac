"""Refusals and warnings: a sentence in both languages, with the same facts in each."""

import re
from string import Formatter

import pytest

from audio_library.errors import AudioError, PackRefused, StoreCorrupt
from audio_library.remarks import warning
from audio_library.sentences import REFUSALS, WARNINGS

VIETNAMESE = re.compile(
    "[ăâđêôơưáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.I
)


def blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_one_sentence_in_both_languages(code):
    refusal = REFUSALS[code]

    assert VIETNAMESE.search(refusal.vi)
    assert not VIETNAMESE.search(refusal.en)
    assert blanks(refusal.vi) == blanks(refusal.en)
    for sentence in (refusal.vi, refusal.en):
        assert sentence.endswith(".")
        # One sentence with a remedy: a full stop only at its end.
        assert ". " not in sentence
        assert ";" in sentence or "," in sentence


@pytest.mark.parametrize("code", WARNINGS)
def test_a_warning_is_said_in_both_languages(code):
    vi, en = WARNINGS[code]

    assert VIETNAMESE.search(vi)
    assert blanks(vi) == blanks(en)


def test_an_error_fills_in_its_facts():
    error = AudioError("too_long", most=180)

    assert "180" in error.vi
    assert str(error) == error.en
    assert not error.retryable
    assert AudioError("disk_full").retryable


def test_a_warning_fills_in_its_facts():
    assert "4.5" in warning("truncated", heard=4.5, declared=9).vi


def test_errors_are_also_what_python_calls_them():
    assert isinstance(StoreCorrupt("0" * 64), OSError)
    assert isinstance(PackRefused("pack_untrusted"), ValueError)
