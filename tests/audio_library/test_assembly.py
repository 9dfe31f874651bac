"""Programmes: the exact length, the preview as villages hear it, tunes, copies to share."""

import importlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from audio_library.assembly import (
    TUNES,
    Part,
    preview,
    programme_length_ms,
    share_copy,
    signature_tune,
)
from audio_library.errors import AudioError, StoreCorrupt
from audio_library.ingest import ingest, outline
from audio_library.store import Store
from tests.audio_library.conftest import ffmpeg, held
from tests.audio_library.meters import decoded, loudness_lufs, true_peak_dbtp


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def clip(library, short_speech):
    return ingest(short_speech, library)


@pytest.fixture(scope="module")
def tune(tunes):
    return tunes["chuong_ba_tieng"]


def test_the_length_of_a_programme_is_known_in_advance():
    parts = [Part("a"), Part("b", times=3, gap_ms=2000), Part("a", gap_ms=500)]

    # The gap after the very last sound is left out.
    assert programme_length_ms(parts, {"a": 3000, "b": 10_000}) == 3000 + 3 * 12_000 + 3000
    assert programme_length_ms([], {}) == 0


def test_a_preview_is_the_splice_a_node_makes(clip, tune, library):
    parts = [Part(tune.sha256, gap_ms=250), Part(clip.sha256, times=2, gap_ms=1000, gain_db=-6)]
    sound, rate = soundfile.read(preview(parts, library, fmt="opus"))
    durations = {made.sha256: made.duration_ms for made in (tune, clip)}

    assert rate == 48_000
    assert sound.size == round(48 * programme_length_ms(parts, durations))
    # The second half of the programme: speech, a second of silence, the same speech, 6 dB down.
    given = decoded(library.path(clip.sha256))
    start = tune.frames + 250 * 48
    first = sound[start : start + clip.frames]
    gap = sound[start + clip.frames + 2000 : start + clip.frames + 46_000]
    second = sound[start + clip.frames + 48_000 :][: clip.frames]
    assert np.corrcoef(first, given)[0, 1] > 0.9
    assert np.corrcoef(second, given)[0, 1] > 0.9
    assert np.sqrt(np.mean(first**2)) == pytest.approx(np.sqrt(np.mean(given**2)) / 2, rel=0.1)
    assert np.abs(gap).max() < 0.01


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated")
def test_an_original_is_never_in_memory_whole(recordings, short_speech):
    path = recordings / "wide.wav"
    ffmpeg("-i", short_speech, "-ar", "192000", "-ac", "2", path)
    splice = importlib.import_module("audio_library.splice")  # pydub is for the worker alone

    with path.open("rb") as file:
        lengths = [len(sound) for sound in splice.decoded(file)]

    assert max(lengths) <= 1000
    assert sum(lengths) == pytest.approx(3000, abs=2)


SILENT_FIRST = ("-f", "lavfi", "-t", "3", "-i", "anullsrc=r=48000:cl=mono")


def test_the_track_that_is_heard_is_the_one_shown(recordings, short_speech, store):
    path = recordings / "silent_first.mkv"
    ffmpeg(*SILENT_FIRST, "-i", short_speech, "-map", "0", "-map", "1", "-c:a", "flac", path)
    original = store.put_file(path)

    assert max(outline(original, store).peaks) > 10
    assert np.abs(decoded(share_copy(original, store, "opus"))).max() > 0.1


def test_an_outline_is_kept_and_made_again_when_lost(short_speech, store):
    original = store.put_file(short_speech)
    shown = outline(original, store)
    (kept,) = (store.root / "derived").iterdir()

    kept.chmod(0o600)
    kept.write_text(
        kept.read_text().replace(f'"duration_ms": {shown.duration_ms}', '"duration_ms": 7')
    )
    assert outline(original, store).duration_ms == 7
    kept.write_text("{")
    assert outline(original, store) == shown
    assert store.used_bytes() > store.size_bytes(original)


def test_channels_that_cancel_each_other_are_still_heard(recordings, short_speech, store):
    path = recordings / "opposite.wav"
    ffmpeg("-i", short_speech, "-af", "pan=stereo|c0=c0|c1=-1*c0", path)
    original = store.put_file(path)

    assert np.abs(decoded(share_copy(original, store, "opus"))).max() > 0.1


@pytest.mark.parametrize(("fmt", "codec"), [("mp3", "mp3"), ("m4a", "aac"), ("opus", "opus")])
def test_a_copy_to_share_plays_anywhere(fmt, codec, clip, library):
    path = share_copy(clip.sha256, library, fmt)
    asked = ["-show_entries", "stream=codec_name:format=duration", "-of", "csv=p=0"]
    told = subprocess.run(
        ["ffprobe", "-v", "error", *asked, path], capture_output=True, text=True, check=True
    ).stdout.split()

    assert told[0] == codec
    assert float(told[1]) == pytest.approx(clip.duration_ms / 1000, abs=0.15)


def test_a_preview_is_made_once(clip, library):
    first = preview([Part(clip.sha256)], library)
    made = first.stat().st_ino

    os.utime(first, (1, 1))

    assert preview([Part(clip.sha256)], library) == first
    assert first.stat().st_ino == made
    # Whoever listens to it again has it for another while.
    assert first.stat().st_mtime > 1
    assert preview([Part(clip.sha256, gain_db=-3)], library) != first


def test_previews_are_swept_like_other_unused_files(clip, store, library):
    with library.open(clip.sha256) as sound:
        store.keep_copy(sound)
    made = preview([Part(clip.sha256)], store)
    now = made.stat().st_mtime + 1000

    assert store.collect(keep={clip.sha256}, older_than_s=500, now_s=now) == []
    assert held(store) == [store.path(clip.sha256)]


def test_an_empty_programme_is_refused(store):
    with pytest.raises(AudioError) as refusal:
        preview([], store)
    assert refusal.value.code == "nothing_to_play"


def test_a_missing_clip_is_said(store):
    with pytest.raises(StoreCorrupt):
        preview([Part("0" * 64)], store)
    assert held(store) == []


@pytest.fixture(scope="module")
def tunes(library):
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda name: signature_tune(name, library), TUNES)
        return dict(zip(TUNES, made, strict=True))


def test_tunes_are_short_level_and_all_different(tunes, library):
    for name, made in tunes.items():
        sound = decoded(library.path(made.sha256))
        assert 1500 <= made.duration_ms <= 6000, name
        assert made.warnings == (), name
        assert true_peak_dbtp(sound) <= -1.4, name
        assert made.loudness_lufs == pytest.approx(-16, abs=1), name
    assert len({made.sha256 for made in tunes.values()}) == len(TUNES)


def test_a_tune_is_the_same_file_every_time(store, tune):
    assert signature_tune("chuong_ba_tieng", store).sha256 == tune.sha256


def test_an_unknown_tune_names_those_there_are(store):
    with pytest.raises(AudioError) as refusal:
        signature_tune("quoc_ca", store)
    assert "lang_que" in refusal.value.vi


def test_a_long_programme_is_exact_to_the_frame(clip, library):
    parts = [Part(clip.sha256, times=5)] * 2

    made = preview(parts, library, fmt="opus")

    assert soundfile.info(made).frames == 10 * clip.frames
    assert loudness_lufs(soundfile.read(made)[0]) == pytest.approx(-16, abs=0.7)
