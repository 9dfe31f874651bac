"""Blobs: visible only when whole, resumed where they were left, never in doubt."""

import hashlib
import os

import pytest

from device.blobs import BlobStore
from protocol.chunks import chunk_span

CONTENT = os.urandom(70_000)
SHA = hashlib.sha256(CONTENT).hexdigest()
COUNT = 5


def chunk(index, content=CONTENT):
    offset, length = chunk_span(len(content), index)
    return content[offset : offset + length]


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path)


def test_a_blob_appears_when_its_last_chunk_has_come(store):
    download = store.begin(SHA, len(CONTENT))
    for index in (4, 1, 0, 2):
        assert download.write(index, chunk(index))
        assert not store.holds(SHA)
    download.write(3, chunk(3))
    assert download.bitmap.complete and download.finish()
    assert store.load(SHA) == CONTENT


def test_a_download_goes_on_where_it_was_saved(tmp_path, store):
    download = store.begin(SHA, len(CONTENT))
    for index in (0, 2):
        download.write(index, chunk(index))
    download.save()
    download.write(4, chunk(4))
    download.close()
    again = BlobStore(tmp_path).begin(SHA, len(CONTENT))
    assert list(again.bitmap.missing()) == [1, 3, 4]
    again.close()


def test_a_damaged_whole_is_thrown_away_and_starts_over(store):
    download = store.begin(SHA, len(CONTENT))
    for index in range(COUNT):
        download.write(index, chunk(index) if index != 2 else bytes(len(chunk(2))))
    assert not download.finish()
    assert not store.holds(SHA)
    assert list(download.bitmap.missing()) == list(range(COUNT))
    for index in range(COUNT):
        download.write(index, chunk(index))
    assert download.finish()


def test_a_chunk_of_the_wrong_size_is_not_taken(store):
    download = store.begin(SHA, len(CONTENT))
    assert not download.write(0, b"short")
    assert 0 not in download.bitmap
    download.close()


def test_a_blob_damaged_on_the_disk_is_noticed_and_dropped(store):
    download = store.begin(SHA, len(CONTENT))
    for index in range(COUNT):
        download.write(index, chunk(index))
    download.finish()
    store.path(SHA).write_bytes(CONTENT[:-1] + b"!")
    assert store.load(SHA) is None
    assert not store.holds(SHA)


def test_what_is_held_is_found_again_after_a_restart(tmp_path, store):
    download = store.begin(SHA, len(CONTENT))
    for index in range(COUNT):
        download.write(index, chunk(index))
    download.finish()
    assert BlobStore(tmp_path).held() == {SHA: len(CONTENT)}
