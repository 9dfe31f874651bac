"""A claim code proves the technician, and is of no use to another device."""

from protocol.claims import new_code, proof, proves, tidy
from protocol.keys import SigningKey

KEY, OTHER = SigningKey(b"a" * 32).verify_key, SigningKey(b"b" * 32).verify_key


def test_a_code_proves_the_device_it_was_given_to():
    code = new_code()
    assert proves(code, KEY, proof(code, KEY))
    assert not proves(code, OTHER, proof(code, KEY))
    assert not proves(new_code(), KEY, proof(code, KEY))


def test_a_code_may_be_typed_carelessly():
    assert tidy(" 7kq2 mxwd-9rta ") == "7KQ2MXWD9RTA"
    assert proof("7kq2 mxwd 9rta", KEY) == proof("7KQ2-MXWD-9RTA", KEY)


def test_codes_differ_and_have_sixty_bits():
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(len(tidy(code)) == 12 for code in codes)
