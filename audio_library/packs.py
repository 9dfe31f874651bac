"""Clip packs: a set of clips with all their data and signatures in one file, for a USB stick.

A pack is a ZIP without compression: `clips.json` (the manifest), `signature`, and one
`sound/<sha256>.opus` for each clip. What a clip's data means is the caller's affair, and so are
keys: signing and verifying are functions handed in. An import looks through the whole pack
before it stores anything, so what is cut off or altered leaves no trace.
"""

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audio_library import sandbox
from audio_library.disk import disk_space, sync_folder
from audio_library.errors import AudioError, PackRefused
from audio_library.heard import Heard
from audio_library.settings import Limits
from audio_library.store import Store

PACK_VERSION = 1
_MANIFEST, _SIGNATURE = "clips.json", "signature"
_MOST_MANIFEST_BYTES = 16_000_000
_MOST_SOUND_BYTES = 100_000_000  # seven hours of delivery format
_CHUNK_BYTES = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same clips make the same file, whenever they are packed

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes, str], bool]


@dataclass(frozen=True, slots=True)
class PackedClip:
    """A clip on the move: its sound, and everything the caller wants to know again.

    `heard` is filled by an import: what the sound measures here, whatever its data say.
    """

    sha256: str
    bytes: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    heard: Heard | None = None

    @property
    def title(self) -> str:
        """What to call it in a list: its data's "title", or the start of its hash."""
        return str(self.data.get("title") or self.sha256[:12])


@dataclass(frozen=True, slots=True)
class Skipped:
    """A clip of the pack that was not taken, and why, in both languages."""

    clip: PackedClip
    code: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; the sounds of `added` are in the store."""

    added: tuple[PackedClip, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack's manifest, read and, where asked for, verified."""

    clips: tuple[PackedClip, ...]
    about: Mapping[str, Any]
    signer: str


def export_pack(
    clips: Sequence[PackedClip],
    store: Store,
    target: Path,
    *,
    sign: Sign | None = None,
    signer: str = "",
    about: Mapping[str, Any] | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write a pack to `target`, which appears only when whole.

    `sign` gets the manifest's bytes; `signer` names its key. Raises StoreCorrupt for a clip that
    is not held, AudioError("disk_full").
    """
    packed = [PackedClip(c.sha256, store.size_bytes(c.sha256), c.data) for c in clips]
    manifest = _manifest(packed, about or {}, signer)
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with disk_space(), part.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as pack:
                pack.writestr(_entry(_MANIFEST), manifest)
                pack.writestr(_entry(_SIGNATURE), sign(manifest) if sign else b"")
                for number, clip in enumerate(packed):
                    _add(pack, clip, store)
                    if progress is not None:
                        progress((number + 1) / len(packed))
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def read_pack(path: Path, *, verify: Verify | None = None) -> Pack:
    """The manifest alone, to show what a stick holds. Raises PackRefused."""
    with _opened(path) as pack:
        return _read(pack, verify)


def import_pack(
    path: Path,
    store: Store,
    *,
    verify: Verify | None = None,
    known: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Imported:
    """Take a pack's clips into the store: all that are new, or, when it is not whole, none.

    `known` are the hashes whose clips the caller has already; they are named as skipped, so a
    second import changes nothing. `verify` gets manifest, signature and the signer's name.
    Raises PackRefused and AudioError.
    """
    with _opened(path) as pack:
        manifest = _read(pack, verify)
        added: list[PackedClip] = []
        skipped: list[Skipped] = []
        for number, clip in enumerate(manifest.clips):
            if cancelled is not None and cancelled():
                raise AudioError("cancelled")
            heard = _check_sound(pack, clip, store)
            if clip.sha256 in known or clip.sha256 in {one.sha256 for one in added}:
                skipped.append(_held(clip))
            else:
                added.append(replace(clip, heard=heard))
            if progress is not None:
                progress(0.8 * (number + 1) / len(manifest.clips))
        for clip in added:
            _take(pack, clip, store)
    if progress is not None:
        progress(1.0)
    return Imported(tuple(added), tuple(skipped))


def _manifest(clips: Sequence[PackedClip], about: Mapping[str, Any], signer: str) -> bytes:
    content = {
        "format": "loalang-clips",
        "version": PACK_VERSION,
        "signer": signer,
        "about": dict(about),
        "clips": [{"sha256": c.sha256, "bytes": c.bytes, "data": dict(c.data)} for c in clips],
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _EPOCH)


def _sound(sha256: str) -> str:
    return f"sound/{sha256}.opus"


def _add(pack: zipfile.ZipFile, clip: PackedClip, store: Store) -> None:
    with suppress(KeyError):
        pack.getinfo(_sound(clip.sha256))
        return  # two clips may share one sound
    with store.open(clip.sha256) as sound, pack.open(_entry(_sound(clip.sha256)), "w") as entry:
        while chunk := sound.read(_CHUNK_BYTES):
            entry.write(chunk)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise PackRefused("pack_damaged", detail="ZIP") from error


def _read(pack: zipfile.ZipFile, verify: Verify | None) -> Pack:
    manifest = _small(pack, _MANIFEST)
    signature = _small(pack, _SIGNATURE)
    try:
        content = json.loads(manifest)
        version, signer = int(content["version"]), str(content["signer"])
        if content["format"] != "loalang-clips":
            raise PackRefused("pack_damaged", detail=_MANIFEST)
        if version > PACK_VERSION:
            raise PackRefused("pack_version", version=version)
        clips = tuple(_clip(entry) for entry in content["clips"])
        about = dict(content["about"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, PackRefused):
            raise
        raise PackRefused("pack_damaged", detail=_MANIFEST) from error
    if verify is not None and not verify(manifest, signature, signer):
        raise PackRefused("pack_untrusted")
    return Pack(clips, about, signer)


def _clip(entry: Mapping[str, Any]) -> PackedClip:
    sha256, size = entry["sha256"], entry["bytes"]
    if not (isinstance(sha256, str) and len(sha256) == 64 and isinstance(size, int)):
        raise ValueError(sha256)
    return PackedClip(sha256, size, dict(entry["data"]))


def _small(pack: zipfile.ZipFile, name: str) -> bytes:
    try:
        entry = pack.getinfo(name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > _MOST_MANIFEST_BYTES:
            raise PackRefused("pack_damaged", detail=name)
        return pack.read(entry)
    except (KeyError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        if isinstance(error, PackRefused):
            raise
        raise PackRefused("pack_damaged", detail=name) from error


def _check_sound(pack: zipfile.ZipFile, clip: PackedClip, store: Store) -> Heard:
    """Whole by its hash, and playable: what a node will decode is tried in the worker first."""
    with store.incoming() as sound:
        if _copied(pack, clip, sound) != clip.sha256:
            raise PackRefused("pack_damaged", detail=clip.title)
        try:
            made = sandbox.run("check", {}, [(sound, "rb")], limits=Limits())
        except AudioError as error:
            raise PackRefused("pack_damaged", detail=clip.title) from error
    return Heard(**{**made, "peaks": tuple(made["peaks"])})


def _take(pack: zipfile.ZipFile, clip: PackedClip, store: Store) -> None:
    with store.incoming() as sound:
        # Hashed once more: the stick may have been changed, or pulled, since the first look.
        if _copied(pack, clip, sound) != clip.sha256:
            raise PackRefused("pack_damaged", detail=clip.title)
        store.keep(sound)


def _copied(pack: zipfile.ZipFile, clip: PackedClip, sound: Any) -> str:
    digest = hashlib.sha256()
    try:
        entry = pack.getinfo(_sound(clip.sha256))
        whole = entry.file_size == clip.bytes <= _MOST_SOUND_BYTES
        if entry.compress_type != zipfile.ZIP_STORED or not whole:
            raise PackRefused("pack_damaged", detail=clip.title)
        with pack.open(entry) as source, disk_space():
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                sound.write(chunk)
    except (KeyError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise PackRefused("pack_damaged", detail=clip.title) from error
    sound.flush()
    return digest.hexdigest()


def _held(clip: PackedClip) -> Skipped:
    return Skipped(
        clip,
        "held",
        f"Đã có sẵn bản tin “{clip.title}”.",
        f"The clip “{clip.title}” is here already.",
    )
