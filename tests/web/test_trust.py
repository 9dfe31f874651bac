"""The page that helps a phone trust a commune's own authority."""

from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.ca import make_authority
from tests.web.village import NOW


@pytest.fixture
def authority(services):
    made = make_authority("Caddy Local Authority", NOW).certificate
    (services.settings.data_dir / "pages-ca.crt").write_bytes(made.public_bytes(Encoding.PEM))
    return made


def test_anybody_gets_the_certificate_and_its_fingerprint(visit, authority):
    client = visit()
    page = client.get("/trust").text
    given = client.get("/trust/loalang-ca.crt")
    assert x509.load_der_x509_certificate(given.data) == authority
    assert given.content_type == "application/x-x509-ca-cert"
    assert sha256(given.data).hexdigest().upper()[:4] in page
    for kind in ("Android", "iPhone", "Windows"):
        assert kind in page


def test_the_sign_in_page_leads_there_only_where_it_is_needed(visit, services, authority):
    assert "/trust" in visit().get("/login").text
    (services.settings.data_dir / "pages-ca.crt").unlink()
    assert "/trust" not in visit().get("/login").text


def test_with_a_public_certificate_nothing_is_to_be_done(visit):
    assert "Không cần làm gì" in visit().get("/trust").text
    assert visit().get("/trust/loalang-ca.crt").status_code == 404
