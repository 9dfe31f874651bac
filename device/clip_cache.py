"""Clips ready to play: decoded once on arrival, checked once more before their first use.

A clip is `ready` when its delivered file is whole and its decoded sound has been hashed since
boot. What is damaged is thrown away and comes again: first from the delivered file, then from the
broker. What the disk refuses is tried again, with growing patience. Room is made by dropping what
is needed last; what is due or pinned is never dropped.
"""

import errno
import hashlib
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device.blobs import BlobStore
from device.durable import is_full, remove, write_whole
from device.loop import Loop, Timer

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_LONGEST_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded clip: raw 48 kHz mono 16-bit frames in `path`."""

    path: str
    frames: int


class ClipCache(Protocol):
    """What the planner and the status need to know about clips."""

    def ready(self, sha256: str) -> Sound | None: ...

    def prepare(self, sha256: str) -> None: ...

    def holds(self, sha256: str) -> bool: ...


Done = Callable[[dict[str, object]], None]


class DecodedClips:
    """`on_change` when a clip became ready, `on_damaged(sha256)` when it must be fetched again."""

    def __init__(
        self,
        loop: Loop,
        directory: Path,
        blobs: BlobStore,
        *,
        on_change: Callable[[], None],
        on_damaged: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._folder = directory / "pcm"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._blobs = blobs
        self._on_change = on_change
        self._on_damaged = on_damaged
        self._index = self._read_index()
        self._checked: set[str] = set()
        self._queue: list[str] = []
        self._working = ""
        self._waiting: set[str] = set()  # refused by the disk, to be tried again
        self._patience_s = _PATIENCE_S
        self._again: Timer | None = None
        self.full = False  # room must be made
        self.refusal: OSError | None = None  # what the disk said last, until it takes sound again
        self.unusable: set[str] = set()  # decoded to nothing: not sound, though whole

    def holds(self, sha256: str) -> bool:
        """Whether the clip is whole and decoded."""
        return sha256 in self._index and self._blobs.holds(sha256)

    def ready(self, sha256: str) -> Sound | None:
        """The clip's sound, once it has been checked since boot (see `prepare`)."""
        if sha256 not in self._checked or not self.holds(sha256):
            return None
        return Sound(str(self._path(sha256)), self._index[sha256][0])

    def prepare(self, sha256: str) -> None:
        """See to it that `ready` will answer; costs nothing when it already does."""
        if sha256 in self._checked or sha256 in self._queue or sha256 == self._working:
            return
        if sha256 in self.unusable or sha256 in self._waiting:
            return
        if self._blobs.holds(sha256):
            self._queue.append(sha256)
            self._work()

    def sizes(self) -> dict[str, int]:
        """sha256 → bytes on the disk, decoded sound included, oldest first."""
        decoded = {sha256: frames * 2 for sha256, (frames, _) in self._index.items()}
        return {s: size + decoded.get(s, 0) for s, size in self._blobs.held().items()}

    def drop(self, sha256: str) -> None:
        self._checked.discard(sha256)
        self._index.pop(sha256, None)
        for path in (self._note(sha256), self._path(sha256)):
            remove(path)
        self._blobs.remove(sha256)

    def retry(self) -> None:
        """Take up again what the disk refused."""
        if self._again:
            self._again.cancel()
            self._again = None
        self.full = False
        waiting, self._waiting = self._waiting, set()
        for sha256 in sorted(waiting):
            self.prepare(sha256)
        if not self._queue and not self._working:
            self.refusal = None  # nobody wants them any more

    # --- one job at a time --------------------------------------------------------------------

    def _work(self) -> None:
        if self._working or not self._queue:
            return
        self._working = self._queue.pop(0)
        if self._working in self._index:
            _hash_in_thread(self._loop, self._path(self._working), self._hashed)
        else:
            self._decode(self._working)

    def _hashed(self, digest: str) -> None:
        sha256 = self._working
        if sha256 in self._index and digest == self._index[sha256][1]:
            self._checked.add(sha256)
            self._finish_job()
            return
        log.warning("the decoded sound of %s is damaged; it is decoded again", sha256[:12])
        self._index.pop(sha256, None)
        self._decode(sha256)

    def _decode(self, sha256: str) -> None:
        run = [sys.executable, "-m", "device.decoder"]
        run += [str(self._blobs.path(sha256)), sha256, str(self._path(sha256))]
        _run_child(self._loop, run, self._decoded)

    def _decoded(self, answer: dict[str, object]) -> None:
        sha256 = self._working
        if answer.get("error") == "damaged":
            self.drop(sha256)
            self._on_damaged(sha256)
        elif "errno" in answer:
            self._refused(sha256, OSError(int(str(answer["errno"])), str(answer["error"])))
        elif "error" in answer:
            log.error("clip %s cannot be decoded: %s", sha256[:12], answer["error"])
            self.unusable.add(sha256)
        else:
            self._keep(sha256, answer)
        self._finish_job()

    def _refused(self, sha256: str, error: OSError) -> None:
        log.error("clip %s cannot be decoded now: %s", sha256[:12], error)
        self.refusal = error
        self.full = is_full(error)
        self._waiting.add(sha256)
        if self._again is None:
            self._again = self._loop.call_later(self._patience_s, self.retry)
            self._patience_s = min(self._patience_s * 2, _LONGEST_PATIENCE_S)

    def _keep(self, sha256: str, answer: dict[str, object]) -> None:
        try:
            write_whole(self._note(sha256), json.dumps(answer).encode())
        except OSError as error:
            log.error("the note on clip %s cannot be written: %s", sha256[:12], error)
        self._index[sha256] = (int(str(answer["frames"])), str(answer["sha256"]))
        self._checked.add(sha256)
        self._patience_s = _PATIENCE_S
        if not self._waiting:
            self.refusal = None

    def _finish_job(self) -> None:
        self._working = ""
        self._on_change()
        self._work()

    # --- files --------------------------------------------------------------------------------

    def _read_index(self) -> dict[str, tuple[int, str]]:
        index = {}
        for note in self._folder.glob("*.json"):
            try:
                answer = json.loads(note.read_text())
                entry = (int(answer["frames"]), str(answer["sha256"]))
                if self._path(note.stem).stat().st_size == entry[0] * 2:
                    index[note.stem] = entry
            except OSError:
                continue  # it is decoded again
            except (ValueError, KeyError, TypeError):
                remove(note)
        return index

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.pcm"

    def _note(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.json"


class AssumedClips:
    """For simulated nodes, which make no sound: whatever is delivered counts as ready."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self.full = False
        self.refusal: OSError | None = None
        self.unusable: set[str] = set()

    def retry(self) -> None:
        return

    def holds(self, sha256: str) -> bool:
        return self._blobs.holds(sha256)

    def ready(self, sha256: str) -> Sound | None:
        return Sound("", 0) if self._blobs.holds(sha256) else None

    def prepare(self, sha256: str) -> None:
        return

    def sizes(self) -> dict[str, int]:
        return self._blobs.held()

    def drop(self, sha256: str) -> None:
        self._blobs.remove(sha256)


def _hash_in_thread(loop: Loop, path: Path, done: Callable[[str], None]) -> None:
    """Hash a file outside the loop; hashing and reading let go of the interpreter lock."""

    def work() -> None:
        digest = hashlib.sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            result = digest.hexdigest()
        except OSError as error:
            result = f"unreadable: {error}"
        loop.call_from_thread(lambda: done(result))

    try:
        threading.Thread(target=work, name="hasher", daemon=True).start()
    except RuntimeError as error:  # no more threads or memory
        result = f"unreadable: {error}"
        loop.call_later(0.0, lambda: done(result))


def _run_child(loop: Loop, command: list[str], done: Done) -> None:
    """Run a short-lived child; `done` gets the JSON it printed, or {"error"}."""
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, close_fds=True
        )
    except OSError as error:  # no more files, processes or memory
        refusal: dict[str, object] = {"error": str(error), "errno": error.errno or errno.EIO}
        loop.call_later(0.0, lambda: done(refusal))
        return
    assert child.stdout is not None
    pipe = child.stdout
    said = bytearray()

    def readable() -> None:
        block = pipe.read1(65536) if hasattr(pipe, "read1") else pipe.read()
        if block:
            said.extend(block)
            return
        loop.unwatch(pipe)
        pipe.close()
        status = child.wait()
        try:
            answer = json.loads(said)
        except ValueError:
            answer = {"error": f"the decoder ended with status {status}"}
            if status == -signal.SIGKILL:  # as the kernel does when memory is short
                answer["errno"] = errno.ENOMEM
        done(answer)

    loop.watch(pipe, readable)
