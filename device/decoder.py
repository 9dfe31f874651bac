"""Decodes one clip to raw sound and exits: `python -m device.decoder SOURCE SHA256 TARGET`.

Run by the clip cache when a clip arrives, never when it plays. The source's hash is checked here,
the sound (48 kHz, 16-bit, mono, little-endian) appears under TARGET only when it is whole, and a
line of JSON on stdout says {"frames", "sha256"} or {"error"}.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import soundfile

from device.durable import sync_directory

RATE = 48_000
_BLOCK_FRAMES = 48_000


def decode(source: Path, sha256: str, target: Path) -> dict[str, object]:
    """Write TARGET; what to report. Raises OSError, or soundfile's error for what is no sound."""
    if hashlib.sha256(source.read_bytes()).hexdigest() != sha256:
        return {"error": "damaged"}
    temporary = target.with_name(target.name + ".tmp")
    digest = hashlib.sha256()
    frames = 0
    with soundfile.SoundFile(source) as sound, temporary.open("wb") as out:
        if sound.samplerate != RATE or sound.channels != 1:
            return {"error": f"{sound.samplerate} Hz, {sound.channels} channels"}
        while block := bytes(sound.buffer_read(_BLOCK_FRAMES, dtype="int16")):
            digest.update(block)
            out.write(block)
            frames += len(block) // 2
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(target)
    sync_directory(target.parent)
    return {"frames": frames, "sha256": digest.hexdigest()}


def main(arguments: list[str]) -> int:
    source, sha256, target = Path(arguments[0]), arguments[1], Path(arguments[2])
    os.nice(10)  # never in the way of what is playing
    try:
        answer = decode(source, sha256, target)
    except (OSError, RuntimeError) as error:
        target.with_name(target.name + ".tmp").unlink(missing_ok=True)
        answer = {"error": str(error)}
    print(json.dumps(answer))
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
