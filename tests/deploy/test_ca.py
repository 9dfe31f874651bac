"""The authority and the server certificate it signs."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import verification

from deploy import ca


@pytest.fixture
def authority(now):
    return ca.make_authority("Loa Làng thử", now)


def verified(authority, server, name, at):
    store = verification.Store([authority.certificate])
    policy = verification.PolicyBuilder().store(store).time(at)
    return policy.build_server_verifier(x509.DNSName(name)).verify(server.certificate, [])


def test_the_server_certificate_stands_up_to_a_strict_verifier(authority, now):
    server = ca.make_server(authority, ["loa.example.vn", "10.0.0.2"], now)
    assert len(verified(authority, server, "loa.example.vn", now)) == 2


def test_a_clock_that_thinks_it_is_1970_still_trusts_the_server(authority, now):
    server = ca.make_server(authority, ["loa.example.vn"], now)
    assert verified(authority, server, "loa.example.vn", datetime(1970, 1, 1, 0, 1, tzinfo=UTC))


def test_another_name_is_not_vouched_for(authority, now):
    server = ca.make_server(authority, ["loa.example.vn"], now)
    with pytest.raises(verification.VerificationError):
        verified(authority, server, "other.example.vn", now)


def test_an_identity_survives_the_disk(authority, tmp_path):
    authority.save(tmp_path, "ca")
    loaded = ca.load(tmp_path, "ca")
    assert loaded.certificate == authority.certificate
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


def test_half_an_identity_is_none(authority, tmp_path):
    authority.save(tmp_path, "ca")
    (tmp_path / "ca.key").unlink()
    assert ca.load(tmp_path, "ca") is None


def test_a_certificate_serves_while_half_its_life_is_left(authority, now):
    server = ca.make_server(authority, ["loa.example.vn"], now)
    assert ca.serves(server, ["loa.example.vn"], now + timedelta(days=4 * 365))
    assert not ca.serves(server, ["loa.example.vn"], now + timedelta(days=6 * 365))
    assert not ca.serves(server, ["new.example.vn"], now)
