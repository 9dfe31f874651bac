"""Who signs clip packs: this process where it may read the key, else the service on its behalf.

In an installation with two users the pages cannot read the key. They write what is to be signed
into a command row and wait for the answer; the service signs manifests of recordings this place
holds, with a tag that makes the signature good for a pack and nothing else.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, select

from controller import commands, database
from controller.accounts.access import Actor
from controller.commands import CommandKind
from controller.errors import ControllerError
from controller.files import write_durably
from controller.keys import signing
from controller.models import ClipVersion, ServiceCommand
from controller.settings import Settings
from protocol.keys import SigningKey, VerifyKey

DOMAIN: Final = b"loalang clip pack 1\0"  # a signature for a pack is good for nothing else
_PUBLIC: Final = "packs.pub"
_WAIT_S: Final = 15.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class PackSigner:
    """The public key (64 hex digits) and how a manifest gets its signature by it."""

    public: str
    sign: Callable[[bytes], bytes]


def signer(settings: Settings, engine: Engine, actor: Actor, now: datetime) -> PackSigner:
    """Raises ControllerError when the service is needed and does not answer."""
    if signing.may_read(settings.pack_key_file):
        key = _key(settings)
        return PackSigner(key.verify_key.hex, lambda manifest: key.sign(DOMAIN + manifest))
    public = public_key(settings)
    if not public:
        raise _away()
    return PackSigner(public, lambda manifest: _asked(settings, engine, actor, manifest, now))


def public_key(settings: Settings) -> str:
    """To tell other places; empty until the service has made the key."""
    if signing.may_read(settings.pack_key_file):
        return _key(settings).verify_key.hex
    told = settings.service_dir / _PUBLIC
    return told.read_text(encoding="ascii").strip() if os.access(told, os.R_OK) else ""


def tell(settings: Settings) -> None:
    """The service, at its start: lay the public key where the pages can read it."""
    public = _key(settings).verify_key.hex
    write_durably(settings.service_dir / _PUBLIC, f"{public}\n".encode(), mode=0o640)


def answer(settings: Settings, engine: Engine, body: dict[str, Any]) -> dict[str, str]:
    """What the service says to a request: a signature in hex, or why there is none."""
    manifest, key = str(body["manifest"]).encode(), _key(settings)
    refusal = _refusal(manifest, key, engine)
    return {"refused": refusal} if refusal else {"signature": key.sign(DOMAIN + manifest).hex()}


def signed(manifest: bytes, signature: bytes, public: str) -> bool:
    """Whether the place with this key made the manifest."""
    try:
        return VerifyKey.from_hex(public).verifies(signature, DOMAIN + manifest)
    except ValueError:
        return False


def _refusal(manifest: bytes, key: SigningKey, engine: Engine) -> str:
    try:
        content = json.loads(manifest)
        named, sounds = content["signer"], {str(clip["sha256"]) for clip in content["clips"]}
    except (ValueError, KeyError, TypeError):
        return "it is no manifest of a pack"
    if named != key.verify_key.hex:
        return "it names another key"
    with database.reading(engine) as session:
        query = select(ClipVersion.sha256).where(ClipVersion.sha256.in_(sounds))
        strange = sounds - set(session.scalars(query))
    return f"{min(strange)} is no recording of this place" if strange else ""


def _asked(
    settings: Settings, engine: Engine, actor: Actor, manifest: bytes, now: datetime
) -> bytes:
    with database.transaction(engine) as session:
        body = {"manifest": manifest.decode()}
        asked = commands.ask(session, CommandKind.PACK_SIGN, body, actor, now)
    commands.wake(settings.wake_path)
    until_s = time.monotonic() + _WAIT_S
    while time.monotonic() < until_s:
        with database.reading(engine) as session:
            row = session.get_one(ServiceCommand, asked)
            done, result = row.done_at is not None, row.result or {}
        if done:
            return _signature(result)
        time.sleep(_LOOK_S)
    raise _away()


def _signature(result: dict[str, Any]) -> bytes:
    if "signature" in result:
        return bytes.fromhex(result["signature"])
    raise ControllerError(
        "pack_refused_here",
        "Dịch vụ không ký gói này: hãy tải lại trang, chọn lại bản tin rồi thử lại.",
        "The service does not sign this pack: load the page again, choose anew and try again.",
    )


def _key(settings: Settings) -> SigningKey:
    return signing.load_or_create(settings.pack_key_file)


def _away() -> ControllerError:
    return ControllerError(
        "service_away",
        "Dịch vụ điều khiển chưa trả lời nên gói chưa được ký: hãy thử lại sau ít phút; nếu vẫn "
        "vậy, nhờ kỹ thuật xem «systemctl status loalang-controller».",
        "The controller's service does not answer, so the pack is not signed: try again in a few "
        "minutes, then look at 'systemctl status loalang-controller'.",
    )
