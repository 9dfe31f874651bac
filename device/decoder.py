"""Decodes one clip to raw sound and exits: `python -m device.decoder SOURCE SHA256 TARGET`.

Run by the clip cache when a clip arrives, never when it plays. The source's hash is checked here,
the sound (48 kHz, 16-bit, mono, little-endian) appears under TARGET only when it is whole, and a
line of JSON on stdout says {"frames", "sha256"} or {"error"}; with an {"errno"} it was the disk's
fault, and another time it may work.
"""

import contextlib
import errno
import hashlib
import io
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
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        return {"error": "damaged"}
    temporary = target.with_name(target.name + ".tmp")
    digest = hashlib.sha256()
    frames = 0
    # From memory: libsndfile takes a read that the disk refuses for the end, or for no sound.
    with soundfile.SoundFile(io.BytesIO(content)) as sound, temporary.open("wb") as out:
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
    answer: dict[str, object]
    try:
        answer = decode(source, sha256, target)
    except (OSError, RuntimeError) as error:
        answer = {"error": str(error)}
        if isinstance(error, OSError):
            answer["errno"] = error.errno or errno.EIO
        with contextlib.suppress(OSError):
            target.with_name(target.name + ".tmp").unlink(missing_ok=True)
    print(json.dumps(answer))
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
