"""What the loudspeaker was given, as files: the proof a `file:DIR` sink leaves.

DIR/sound/<airing_id>.wav     16-bit mono, the airing's frames and nothing else
DIR/sound/<airing_id>.json    {"airing_id", "first_frame_at", "frames", "rate", "xruns"}

An airing that gave way and went on has both stretches in its file, one after the other, and in its
note `stretches`: [{"first_frame_at", "frames"}, …].
"""

import json
import logging
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

from device.player.score import FRAME_BYTES, RATE

log = logging.getLogger(__name__)


class Recording:
    """One airing's proof; a disk that refuses costs the proof and not the sound."""

    def __init__(self, directory: Path | None, airing_id: str, first_frame_at: float) -> None:
        self._directory = directory / "sound" if directory else None
        self._file: BinaryIO | None = None
        self._airing_id = airing_id
        self._frames = 0
        self._first_frame_at = first_frame_at
        self._earlier: dict[str, Any] = {}
        if self._directory:
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._file = self._begin(self._directory / f"{airing_id}.wav")
            except (OSError, ValueError) as error:
                self._gave_up(error)

    def _begin(self, whole: Path) -> BinaryIO:
        """A new file, or the airing's own to go on in."""
        part = whole.with_name(whole.name + ".part")
        if not whole.exists():
            file: BinaryIO = part.open("wb")
            file.write(_header(0))
            return file
        self._earlier = json.loads(whole.with_suffix(".json").read_text())
        self._frames = int(self._earlier["frames"])
        whole.replace(part)
        file = part.open("r+b")
        file.seek(0, os.SEEK_END)
        return file

    def add(self, frames: bytes | bytearray) -> None:
        self._frames += len(frames) // FRAME_BYTES
        if self._file:
            try:
                self._file.write(frames)
            except OSError as error:
                self._gave_up(error)

    def take_back(self, frames: int) -> None:
        """The newest `frames` never left the card."""
        self._frames = max(self._frames - frames, 0)
        if self._file:
            try:
                self._file.seek(len(_header(0)) + self._frames * FRAME_BYTES)
                self._file.truncate()
            except OSError as error:
                self._gave_up(error)

    def end(self, xruns: int) -> None:
        if not self._file or not self._directory:
            return
        note = self._note(xruns)
        sound = self._directory / f"{self._airing_id}.wav"
        try:
            self._file.seek(0)
            self._file.write(_header(self._frames))
            self._file.close()
            sound.with_name(sound.name + ".part").replace(sound)
            temporary = sound.with_suffix(".json.tmp")
            temporary.write_text(json.dumps(note) + "\n")
            temporary.replace(sound.with_suffix(".json"))
        except OSError as error:
            self._gave_up(error)
        self._file = None

    def _note(self, xruns: int) -> dict[str, Any]:
        earlier = self._earlier
        begun = round(self._first_frame_at, 6)
        note: dict[str, Any] = {
            "airing_id": self._airing_id,
            "first_frame_at": earlier.get("first_frame_at", begun),
            "frames": self._frames,
            "rate": RATE,
            "xruns": xruns + int(earlier.get("xruns", 0)),
        }
        if earlier:
            first = {key: earlier[key] for key in ("first_frame_at", "frames")}
            this = {"first_frame_at": begun, "frames": self._frames - int(earlier["frames"])}
            note["stretches"] = [*earlier.get("stretches", [first]), this]
        return note

    def _gave_up(self, error: Exception) -> None:
        log.error("the evidence of %s cannot be written: %s", self._airing_id, error)
        if self._file:
            self._file.close()
        self._file = None


def _header(frames: int) -> bytes:
    """The 44 bytes before the frames of a WAV file: 16-bit, mono."""
    size = frames * FRAME_BYTES
    form = struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 16)
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form
    return head + b"data" + struct.pack("<I", size)
