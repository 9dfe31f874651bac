"""Listening to an original: a long MP3 as it is, all else in a form every browser plays."""

import pytest

from audio_library.errors import StoreCorrupt
from audio_library.store import Store
from controller.library import previews
from controller.models import ClipVersion


def test_an_hour_of_mp3_is_not_written_anew(tmp_path):
    store = Store(tmp_path)
    sha256 = store.put_bytes(b"an hour of MP3")
    version = ClipVersion(source_sha256=sha256, source_format="mp3", duration_ms=3_600_000)

    assert previews.of_original(store, version) == store.path(sha256)

    store.path(sha256).unlink()
    with pytest.raises(StoreCorrupt):
        previews.of_original(store, version)
