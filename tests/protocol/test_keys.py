"""Keys: names derived from them, nothing secret printed."""

import pytest

from protocol.keys import SigningKey, VerifyKey


def test_a_signature_verifies_with_the_right_key_only():
    key, other = SigningKey.generate(), SigningKey.generate()
    signature = key.sign(b"m")
    assert key.verify_key.verifies(signature, b"m")
    assert not key.verify_key.verifies(signature, b"n")
    assert not other.verify_key.verifies(signature, b"m")
    assert not key.verify_key.verifies(b"", b"m")


def test_a_key_survives_its_hex_form_and_names_follow_from_it():
    key = SigningKey.generate()
    assert SigningKey.from_hex(key.raw.hex()) == key
    public = VerifyKey.from_hex(key.verify_key.hex)
    assert public == key.verify_key
    assert public.device_id.startswith(public.kid)


def test_a_private_key_is_never_printed():
    key = SigningKey.generate()
    assert key.raw.hex() not in repr(key)


def test_a_public_key_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        VerifyKey.from_hex("abcd")
