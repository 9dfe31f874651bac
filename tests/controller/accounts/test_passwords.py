"""argon2id, and what is too easy to guess."""

import unicodedata

import pytest

from controller.accounts import passwords
from controller.errors import BadInput


def test_only_the_right_password_matches():
    kept = passwords.hashed("trâu cày ruộng sâu")
    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, "trâu cày ruộng sâu")
    assert not passwords.matches(kept, "trâu cày ruộng nông")


def test_the_same_letters_match_however_they_were_typed():
    kept = passwords.hashed(unicodedata.normalize("NFC", "trâu cày ruộng sâu"))
    assert passwords.matches(kept, unicodedata.normalize("NFD", "trâu cày ruộng sâu"))


def test_a_damaged_hash_matches_nothing():
    assert not passwords.matches("not a hash", "trâu cày ruộng sâu")


def test_a_hash_with_weaker_parameters_is_outdated():
    weak = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21l$"
    weak += "RdescudvJCsgt3ub+b4dWRWJTmaaJObGRdescudvJCs"
    assert passwords.outdated(weak)
    assert not passwords.outdated(passwords.hashed("trâu cày ruộng sâu"))


@pytest.mark.parametrize(
    "guess",
    [
        "short",
        "aaaaaaaaaaaaaaaa",
        "Password12345",
        "matkhau123456789",
        "alice.nguyen2026",
        "x" * 201,
    ],
)
def test_an_easy_password_is_refused(guess):
    with pytest.raises(BadInput) as refusal:
        passwords.require_strong(guess, "alice.nguyen")
    assert "password" in refusal.value.errors


@pytest.mark.parametrize("good", ["trâu cày ruộng sâu", "correct horse battery", "v8-Kq_zP2!mWx"])
def test_a_few_unrelated_words_will_do(good):
    passwords.require_strong(good, "alice.nguyen")
