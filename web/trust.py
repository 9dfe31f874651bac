"""How a phone learns to trust pages whose certificate comes from the commune's own authority.

The installer leaves the authority's certificate in the data folder (`--https internal`); this page
hands it out with the steps for each kind of phone. It is public: nothing on it is secret.
"""

from hashlib import sha256
from pathlib import Path

from cryptography import x509
from flask import Blueprint, Response, render_template, url_for

from controller.api.here import services
from controller.errors import NotFound
from web.account import square
from web.sessions import open_to_all

bp = Blueprint("trust", __name__, url_prefix="/trust")

_FILE = "pages-ca.crt"


@bp.get("")
@open_to_all
def page() -> str:
    """The certificate, its fingerprint to compare, and the steps; or that nothing is to be done."""
    known = certificate()
    fingerprint = ""
    if known:
        digest = sha256(_der(known)).hexdigest().upper()
        fingerprint = " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))
    address = services().settings.public_url + url_for("trust.page")
    return render_template("trust/page.html", fingerprint=fingerprint, square=square(address))


@bp.get("/loalang-ca.crt")
@open_to_all
def download() -> Response:
    """The certificate as phones take it. Raises NotFound where there is none."""
    known = certificate()
    if known is None:
        raise NotFound("certificate")
    answer = Response(_der(known), content_type="application/x-x509-ca-cert")
    answer.headers["Content-Disposition"] = 'attachment; filename="loalang-ca.crt"'
    return answer


def certificate() -> x509.Certificate | None:
    """The authority of these pages; None where the certificate is a public one."""
    path: Path = services().settings.data_dir / _FILE
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _der(known: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return known.public_bytes(Encoding.DER)
