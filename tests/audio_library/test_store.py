"""The content store: whole or not there, once, and swept only after a grace time."""

import errno
import fcntl
import hashlib
import os
import resource
import subprocess
import sys
import threading
import time

import pytest

from audio_library.errors import AudioError, StoreCorrupt
from audio_library.store import Store
from tests.audio_library.conftest import content, held


def test_bytes_are_stored_under_their_hash(store):
    sha256 = store.put_bytes(b"sound")

    assert sha256 == hashlib.sha256(b"sound").hexdigest()
    assert store.path(sha256) == store.root / sha256[:2] / sha256
    assert content(store, sha256) == b"sound"
    assert store.size_bytes(sha256) == 5


def test_the_same_content_is_stored_once(store, tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"sound")
    first = store.put_file(tmp_path / "a.mp3")
    second = store.put_bytes(b"sound")

    assert first == second
    assert held(store) == [store.path(first)]


def test_a_name_that_is_no_hash_is_refused(store):
    for name in ("../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "/"):
        with pytest.raises(ValueError, match="SHA-256"):
            store.path(name)


def test_a_changed_file_is_not_handed_out(store):
    sha256 = store.put_bytes(b"sound")
    store.path(sha256).chmod(0o640)
    store.path(sha256).write_bytes(b"noise")

    with pytest.raises(StoreCorrupt):
        store.open(sha256)


def test_a_file_changed_after_its_first_read_is_found_out(store):
    sha256 = store.put_bytes(b"sound")
    store.open(sha256).close()
    store.path(sha256).chmod(0o640)
    store.path(sha256).write_bytes(b"other")

    with pytest.raises(StoreCorrupt):
        store.open(sha256)


def test_storing_again_mends_a_damaged_file(store):
    sha256 = store.put_bytes(b"sound")
    store.path(sha256).chmod(0o640)
    store.path(sha256).write_bytes(b"noise")

    assert store.put_bytes(b"sound") == sha256
    assert content(store, sha256) == b"sound"


def test_a_missing_file_is_said_to_be_missing(store):
    sha256 = hashlib.sha256(b"never").hexdigest()

    assert not store.has(sha256)
    with pytest.raises(StoreCorrupt):
        store.open(sha256)
    with pytest.raises(StoreCorrupt):
        store.size_bytes(sha256)


def test_an_incoming_file_that_is_not_kept_leaves_nothing(store):
    with store.incoming() as incoming:
        incoming.write(b"half")
        assert held(store) == []

    assert held(store) == []


def test_a_finished_file_is_named_and_not_copied(store):
    with store.incoming() as incoming:
        incoming.write(b"sound")
        sha256 = store.keep(incoming)

        assert store.path(sha256).stat().st_ino == os.fstat(incoming.fileno()).st_ino


def test_only_old_unused_files_are_collected(store):
    used, old, young = (store.put_bytes(word) for word in (b"used", b"old", b"young"))
    now = time.time()
    for sha256 in (used, old):
        os.utime(store.path(sha256), (now - 1000, now - 1000))

    assert store.collect(keep={used}, older_than_s=500, now_s=now) == [old]
    assert store.hashes() == sorted([used, young])


def test_storing_again_starts_the_grace_time_anew(store):
    sha256 = store.put_bytes(b"sound")
    now = time.time()
    os.utime(store.path(sha256), (now - 1000, now - 1000))
    store.put_bytes(b"sound")

    assert store.collect(keep=(), older_than_s=500, now_s=now) == []


def test_leftovers_of_killed_processes_are_swept(store):
    leftover = store.root / ".0123.part"
    leftover.write_bytes(b"half")

    store.collect(keep=(), older_than_s=500, now_s=time.time())
    assert leftover.exists()
    store.collect(keep=(), older_than_s=500, now_s=time.time() + 1000)
    assert not leftover.exists()


def test_space_is_reported(store):
    store.put_bytes(b"12345")
    store.put_bytes(b"123")

    assert store.used_bytes() == 8
    assert store.free_bytes() > 0


def test_a_full_disk_is_a_sentence_and_stores_nothing(store, tmp_path):
    code = f"""
import signal
from pathlib import Path
from audio_library.errors import AudioError
from audio_library.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    Store(Path({str(store.root)!r})).put_bytes(bytes(200_000))
except AudioError as error:
    print(error.code, error.retryable)
"""
    # A limit on file size stands in for the full disk: the write fails midway just the same.
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )

    assert done.stdout.split() == ["disk_full", "True"]
    assert held(store) == []


def test_a_disk_without_nameless_files_still_stores_whole_files(store, monkeypatch):
    real = os.open

    def refuse(path, flags, *rest, **named):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "no O_TMPFILE here")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    sha256 = store.put_bytes(b"sound")

    assert held(store) == [store.path(sha256)]
    assert content(Store(store.root), sha256) == b"sound"


def test_a_killed_writer_leaves_nothing_visible(store):
    code = f"""
import os, signal
from pathlib import Path
from audio_library.store import Store
with Store(Path({str(store.root)!r})).incoming() as incoming:
    incoming.write(bytes(1_000_000))
    incoming.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=30)

    assert done.returncode == -9
    assert held(store) == []


def test_a_missing_source_is_not_a_full_disk(store, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.put_file(tmp_path / "nothing")
    assert not issubclass(FileNotFoundError, AudioError)


def test_a_file_used_again_is_not_swept_at_the_same_moment(store):
    """The sweep waits while another process makes up its mind about a file."""
    sha256 = store.put_bytes(b"sound")
    now = time.time()
    os.utime(store.path(sha256), (now - 1000, now - 1000))
    folder = os.open(store.root, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_SH)
    swept: list[list[str]] = []
    sweep = threading.Thread(target=lambda: swept.append(store.collect((), 500, now)))
    sweep.start()
    os.utime(store.path(sha256))
    os.close(folder)
    sweep.join(10)

    assert swept == [[]]
    assert store.has(sha256)
