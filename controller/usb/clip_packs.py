"""Clips carried from one controller to another in a signed file: on a USB stick, or downloaded.

Each place signs with a key of its own, made for packs alone, and takes packs only of places whose
key it was told. What is taken in waits for approval here like any other recording.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audio_library.errors import AudioError, PackRefused
from audio_library.ingest import Ingested
from audio_library.packs import Imported, Pack, PackedClip, export_pack, import_pack, read_pack
from audio_library.settings import DELIVERY_RATE_HZ
from audio_library.store import Store
from controller.accounts.access import Action, Actor, require, require_role
from controller.database import reading, transaction
from controller.errors import BadInput
from controller.files import write_durably
from controller.library import clips, uploads
from controller.library.uploads import Cancelled, Progress, UploadInput
from controller.models import Clip, ClipVersion
from controller.settings import Settings
from controller.territory import areas
from controller.usb import pack_signing
from controller.usb.pack_signing import signed
from protocol.keys import VerifyKey

__all__ = ["Taken", "export", "key_of", "look", "take_in", "trust", "trusted"]

_FRIENDS: Final = "packs.trusted"
_TAKEN: Final = ("title", "topic", "language", "app", "audience", "valid_from", "valid_until")


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did: the new clips, and for each clip left out its title and why."""

    added: tuple[Clip, ...]
    skipped: tuple[tuple[str, str, str], ...]  # title, vi, en


def export(
    engine: Engine,
    store: Store,
    actor: Actor,
    clip_ids: Sequence[str],
    target: Path,
    settings: Settings,
    now: datetime,
) -> int:
    """Write the clips' recordings that air now (or the newest) to `target`; how many.

    Raises NotFound for a clip the actor may not use, NotAllowed, AudioError.
    """
    require_role(actor, Action.UPLOAD)
    with reading(engine) as session:
        packed = [_packed(session, actor, clip_id, now) for clip_id in dict.fromkeys(clip_ids)]
    if not packed:
        raise BadInput(
            {"clips": ("Hãy chọn ít nhất một bản tin.", "Choose at least one recording.")}
        )
    signer = pack_signing.signer(settings, engine, actor, now)
    about = {"site": settings.site, "from": settings.public_url}
    export_pack(
        packed,
        store,
        target,
        sign=signer.sign,
        signer=signer.public,
        about=about,
    )
    return len(packed)


def look(path: Path, settings: Settings) -> tuple[Pack, bool]:
    """What a pack holds, and whether it comes from somebody known here. Raises PackRefused."""
    pack = read_pack(path, verify=signed)
    return pack, pack.signer in trusted(settings)


def take_in(
    engine: Engine,
    store: Store,
    actor: Actor,
    path: Path,
    area_id: str | None,
    settings: Settings,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Taken:
    """All that is new in a pack becomes clips of the area, pending; a second time changes nothing.

    Raises PackRefused for what is not whole or not trusted, NotAllowed, AudioError.
    """
    area_id = area_id or actor.area_id
    with reading(engine) as session:
        require(session, actor, Action.UPLOAD, area_id)
        known = _held_in(session, area_id)
    friends = trusted(settings)
    made = import_pack(
        path,
        store,
        verify=lambda manifest, signature, signer: (
            signer in friends and signed(manifest, signature, signer)
        ),
        known=known.keys(),
        progress=progress,
        cancelled=cancelled,
    )
    with transaction(engine) as session:
        return _written(session, actor, made, area_id, known, now)


def key_of(settings: Settings) -> str:
    """The public key this place signs packs with, to tell others."""
    return pack_signing.public_key(settings)


def trusted(settings: Settings) -> dict[str, str]:
    """Key → name of every place whose packs are taken; its own among them."""
    text = next((each.read_text(encoding="utf-8") for each in _friends_files(settings)), "")
    pairs = (line.partition(" ") for line in text.splitlines() if line.strip())
    own = key_of(settings)
    return ({own: settings.site} if own else {}) | {key: name.strip() for key, _, name in pairs}


def trust(settings: Settings, key: str, name: str) -> None:
    """Take packs signed by this key from now on. Raises BadInput for what is no key."""
    try:
        checked = VerifyKey.from_hex(key).hex
    except ValueError:
        raise BadInput(
            {
                "key": (
                    "Khoá gói gồm 64 chữ số 0-9, a-f: hãy xin lại nơi gửi gói.",
                    "A pack key is 64 digits 0-9, a-f: ask the place that sends packs for it.",
                )
            }
        ) from None
    friends = trusted(settings) | {checked: " ".join(name.split())}
    friends.pop(key_of(settings), None)
    text = "".join(f"{each} {called}\n" for each, called in friends.items())
    write_durably(settings.service_dir / _FRIENDS, text.encode(), mode=0o640)


def _packed(session: Session, actor: Actor, clip_id: str, now: datetime) -> PackedClip:
    view = clips.view(session, clips.get(session, actor, clip_id), now)
    clip, version = view.clip, view.on_air or view.newest
    data = {
        "id": clip.id,
        "title": clip.title,
        "topic": clip.topic,
        "language": clip.language,
        "app": clip.app,
        "audience": clip.audience,
        "translation_of": clip.translation_of,
        "text": version.text,
        "source_name": version.source_name,
        "warnings": version.warnings,
        "valid_from": _iso(version.valid_from),
        "valid_until": _iso(version.valid_until),
    }
    return PackedClip(version.sha256, data=data)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _held_in(session: Session, area_id: str | None) -> dict[str, str]:
    """Sound → clip, of what the area can use already: its own and what is shared from above."""
    own = areas.path(session, area_id) if area_id else []
    query = select(ClipVersion.sha256, Clip.id).join(Clip)
    query = query.where(Clip.area_id.is_(None) | Clip.area_id.in_(own))
    return {row.sha256: row.id for row in session.execute(query)}


def _written(
    session: Session,
    actor: Actor,
    made: Imported,
    area_id: str | None,
    known: dict[str, str],
    now: datetime,
) -> Taken:
    """Originals before their translations, which point to them by their id in the pack."""
    skipped = [(each.clip.title, each.vi, each.en) for each in made.skipped]
    here = {str(each.clip.data.get("id")): known.get(each.clip.sha256) for each in made.skipped}
    added: list[Clip] = []
    for packed in sorted(made.added, key=lambda each: bool(each.data.get("translation_of"))):
        try:
            with session.begin_nested():
                clip = _one(session, actor, packed, area_id, here, now)
        except BadInput as refusal:
            vi, en = next(iter(refusal.errors.values()))
            skipped.append((packed.title, vi, en))
        else:
            here[str(packed.data.get("id"))] = clip.id
            added.append(clip)
    return Taken(tuple(added), tuple(skipped))


def _one(
    session: Session,
    actor: Actor,
    packed: PackedClip,
    area_id: str | None,
    here: dict[str, str | None],
    now: datetime,
) -> Clip:
    data: dict[str, Any] = {name: packed.data.get(name) for name in _TAKEN}
    if not isinstance(data["topic"], int) or not _are_texts(data, packed.data):
        raise AudioError("pack_damaged", detail=packed.title)
    wanted = UploadInput(
        Path(),
        str(packed.data.get("source_name") or ""),
        area_id=area_id,
        translation_of=here.get(str(packed.data.get("translation_of"))),
        **{**data, "title": packed.title},
    )
    clip, _version = uploads.written(session, actor, wanted, _ingested(packed), now)
    return clip


def _are_texts(data: dict[str, Any], whole: Any) -> bool:
    values = [value for name, value in data.items() if name != "topic"]
    return all(value is None or isinstance(value, str) for value in [*values, whole.get("text")])


def _ingested(packed: PackedClip) -> Ingested:
    """As measured here; the recording that travelled is its own original."""
    heard = packed.heard
    if heard is None:
        raise PackRefused("pack_damaged", detail=packed.title)
    duration_ms = round(heard.frames * 1000 / DELIVERY_RATE_HZ)
    return Ingested(
        sha256=packed.sha256,
        bytes=packed.bytes,
        duration_ms=duration_ms,
        frames=heard.frames,
        loudness_lufs=round(heard.loudness_lufs, 2),
        true_peak_dbtp=round(heard.true_peak_dbtp, 2),
        warnings=(),
        peaks=heard.peaks,
        source_sha256=packed.sha256,
        source_format="ogg",
        source_duration_ms=duration_ms,
        start_ms=0,
        end_ms=duration_ms,
        text=str(packed.data.get("text") or ""),
    )


def _friends_files(settings: Settings) -> list[Path]:
    """Where the list lies, best first; earlier versions kept it beside the keys."""
    places = (settings.service_dir / _FRIENDS, settings.pack_key_file.with_name(_FRIENDS))
    return [path for path in places if os.access(path, os.R_OK)]
