"""Anything in, one clean voice out: formats, level, warnings, edits, progress, cancelling."""

import pytest

from audio_library.errors import AudioError
from audio_library.ingest import edit, ingest
from audio_library.settings import HornClass, Limits, Trim
from tests.audio_library.conftest import ffmpeg, held
from tests.audio_library.meters import decoded, loudness_lufs, true_peak_dbtp

FORMATS = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "64k"),
    "m4a": ("-c:a", "aac", "-ar", "44100", "-ac", "2"),
    "aac": ("-c:a", "aac", "-f", "adts"),
    "flac": ("-c:a", "flac", "-ar", "96000"),
    "ogg": ("-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus", "-ar", "48000"),
    "u8.wav": ("-c:a", "pcm_u8", "-ar", "8000"),
    "s24.wav": ("-c:a", "pcm_s24le", "-ar", "96000", "-ac", "2"),
    "s32.wav": ("-c:a", "pcm_s32le", "-ar", "11025"),
    "f32.wav": ("-c:a", "pcm_f32le", "-ar", "192000"),
    "alaw.wav": ("-c:a", "pcm_alaw", "-ar", "8000"),
    "nb.amr": ("-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k"),
    "wb.amr": ("-c:a", "libvo_amrwbenc", "-ar", "16000"),
    "3gp": ("-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k"),
    "wma": ("-c:a", "wmav2", "-ar", "44100"),
    "webm": ("-c:a", "libopus", "-ar", "48000"),
    "aiff": ("-c:a", "pcm_s16be",),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_known_by_its_content(name, short_speech, recordings, store):
    path = recordings / f"recording.{name}"
    ffmpeg("-i", short_speech, *FORMATS[name], path)
    misnamed = path.rename(recordings / f"{path.name}.txt")

    made = ingest(misnamed, store)

    assert 2000 < made.duration_ms < 3300
    assert made.warnings == ()
    assert decoded(store.path(made.sha256)).size == made.frames


@pytest.mark.parametrize("name", ["mp4", "mov", "mkv"])
def test_the_sound_of_a_video_is_taken(name, short_speech, recordings, store):
    path = recordings / f"video.{name}"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=160x120:rate=10", "-i", short_speech, "-shortest", path)

    assert 2000 < ingest(path, store).duration_ms < 3300


@pytest.mark.parametrize("horn", HornClass)
def test_speech_comes_out_at_one_loudness(horn, speech, store):
    made = ingest(speech, store, horn=horn)
    sound = decoded(store.path(made.sha256))

    assert loudness_lufs(sound) == pytest.approx(-16.0, abs=0.5)
    assert true_peak_dbtp(sound) <= -1.5 + 0.1
    assert made.loudness_lufs == pytest.approx(loudness_lufs(sound), abs=0.2)
    assert made.true_peak_dbtp == pytest.approx(true_peak_dbtp(sound), abs=0.2)
    assert sound.size == made.frames


def test_a_clip_says_all_the_page_needs(speech, store):
    made = ingest(speech, store)

    assert made.bytes == store.size_bytes(made.sha256)
    assert made.duration_ms == round(made.frames / 48)
    assert 100 < len(made.peaks) <= 600
    assert all(0 <= level <= 100 for level in made.peaks)
    assert max(made.peaks) > 40
    assert made.source_format == "wav"
    assert store.open(made.source_sha256).read() == speech.read_bytes()
