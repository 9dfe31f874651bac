"""Addresses within these pages: what a form may send the visitor to."""

from urllib.parse import urlsplit

HOME = "/"


def own_address(wanted: str) -> str:
    """`wanted` when it lies on this site, else the first page: nobody is sent elsewhere."""
    parts = urlsplit(wanted)
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    if not plain or parts.scheme or parts.netloc or any(ord(c) < 32 for c in wanted):
        return HOME
    return wanted
