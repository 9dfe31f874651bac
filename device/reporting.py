"""`check-config`: the settings as they are in force, secrets masked."""

import sys
from dataclasses import fields
from urllib.parse import urlsplit

from device.settings import SECRETS, Settings


def check_config(settings: Settings) -> int:
    """Print every setting as it is in force, secrets masked."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        shown = _masked(field.name, value)
        print(f"{field.name} = {shown}")
    if settings.clock == "trusted":
        print(
            "CẢNH BÁO: đồng hồ hệ thống được tin tuyệt đối (clock = trusted); chỉ dùng để thử.\n"
            "WARNING: the system's clock is believed blindly (clock = trusted); for tests only.",
            file=sys.stderr,
        )
    return 0


def _masked(name: str, value: object) -> str:
    if name in SECRETS and value:
        return "********"
    if name == "broker_url":
        url = urlsplit(str(value))
        if url.password:
            return str(value).replace(f":{url.password}@", ":********@")
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)
