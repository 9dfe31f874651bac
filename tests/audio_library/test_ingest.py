"""Anything in, one clean voice out: formats, level, warnings, edits, progress, cancelling."""

import random
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from audio_library.errors import AudioError
from audio_library.ingest import edit, ingest, outline
from audio_library.settings import HornClass, Limits, Trim
from audio_library.store import Store
from tests.audio_library.conftest import amr, content, ffmpeg, held
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
    "wma": ("-c:a", "wmav2", "-ar", "44100"),
    "webm": ("-c:a", "libopus", "-ar", "48000"),
    "latm": ("-c:a", "aac", "-f", "latm"),
    "g726.wav": ("-c:a", "g726", "-ar", "8000", "-ac", "1"),
    "aiff": (
        "-c:a",
        "pcm_s16be",
    ),
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


@pytest.mark.parametrize("behind", [bytes(200_000), random.Random(1).randbytes(30_000)])
def test_what_lies_behind_a_whole_mp3_is_no_missing_sound(behind, short_speech, recordings, store):
    path = recordings / "card.mp3"
    ffmpeg("-i", short_speech, "-b:a", "64k", path)
    path.write_bytes(path.read_bytes() + behind)

    assert ingest(path, store).warnings == ()


def test_words_in_a_tag_do_not_say_how_long_an_mp3_is(short_speech, recordings, store):
    path = recordings / "told.mp3"
    tag = ("-metadata", "comment=Info" + "~" * 40)
    ffmpeg("-i", short_speech, "-b:a", "64k", "-write_xing", "0", *tag, path)

    assert ingest(path, store).warnings == ()


@pytest.mark.parametrize("second", [("-ac", "2"), ("-ac", "1")])
def test_joined_recordings_are_heard_to_the_end(second, short_speech, recordings, store):
    for name, settings in (("one", ("-ac", "1")), ("two", second)):
        ffmpeg("-i", short_speech, *settings, recordings / f"{name}.opus")
    joined = recordings / "joined.opus"
    joined.write_bytes(b"".join((recordings / f"{n}.opus").read_bytes() for n in ("one", "two")))

    made = ingest(joined, store)

    assert made.source_duration_ms == pytest.approx(6000, abs=50)
    assert made.warnings == ()


@pytest.mark.parametrize("name", ["note.amr", "note.3gp", "wide.awb"])
def test_voice_notes_of_old_phones_are_read(name, recordings, store):
    amr(recordings / name)

    made = ingest(recordings / name, store)

    assert made.source_duration_ms == pytest.approx(3000, abs=50)
    assert "truncated" not in codes(made)


def test_pauses_left_out_by_amr_are_silence(recordings, store):
    amr(recordings / "whole.amr")
    note = (recordings / "whole.amr").read_bytes()
    header, first, second = note[:6], note[6 : 6 + 60 * 32], note[6 + 60 * 32 :]
    # What a phone writes in a pause: "no data" (type 15), one byte for 20 ms.
    (recordings / "paused.amr").write_bytes(header + first + b"\x7c" * 50 + second)

    made = ingest(recordings / "paused.amr", store)

    assert made.source_duration_ms == pytest.approx(4000, abs=50)
    assert not codes(made) & {"truncated", "skipped_damage"}


def test_tags_in_old_vietnamese_letters_do_no_harm(short_speech, recordings, store):
    plain = recordings / "tagged.wav"
    ffmpeg("-i", short_speech, "-metadata", "title=Th0ng b4o", "-metadata", "artist=Xa", plain)
    old = recordings / "tcvn3.wav"
    old.write_bytes(plain.read_bytes().replace(b"Th0ng b4o", b"Th\xabng b\xb8o"))
    mp3 = recordings / "tcvn3.mp3"
    ffmpeg("-i", short_speech, "-b:a", "64k", mp3)
    mp3.write_bytes(mp3.read_bytes() + b"TAG" + b"Th\xabng b\xb8o".ljust(125, b"\xff"))

    assert b"Th\xabng" in old.read_bytes()
    assert ingest(old, store).warnings == ()
    assert ingest(mp3, store).warnings == ()


@pytest.mark.parametrize("name", ["mp4", "mov", "mkv"])
def test_the_sound_of_a_video_is_taken(name, short_speech, recordings, store):
    path = recordings / f"video.{name}"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10", "-i", short_speech, "-shortest", path
    )

    assert 2000 < ingest(path, store).duration_ms < 3300


def test_a_film_that_outlasts_its_sound_is_not_cut_off(short_speech, recordings, store):
    path = recordings / "outlasting.mkv"
    film = ("-f", "lavfi", "-t", "6", "-i", "testsrc=size=160x120:rate=10")
    ffmpeg(*film, "-i", short_speech, path)

    assert ingest(path, store).warnings == ()


def test_an_empty_track_before_the_sound_is_passed_over(short_speech, recordings, store):
    path = recordings / "two_tracks.mp4"
    empty = ("-f", "lavfi", "-t", "3", "-i", "anullsrc=r=44100:cl=stereo")
    ffmpeg(*empty, "-i", short_speech, "-map", "0", "-map", "1", "-c:a", "aac", path)

    assert ingest(path, store).loudness_lufs == pytest.approx(-16, abs=0.5)


@pytest.mark.parametrize("horn", HornClass)
def test_speech_comes_out_at_one_loudness(horn, speech, store):
    made = ingest(speech, store, horn=horn)
    sound = decoded(store.path(made.sha256))

    assert loudness_lufs(sound) == pytest.approx(-16.0, abs=0.5)
    assert true_peak_dbtp(sound) <= -1.5 + 0.1
    assert made.loudness_lufs == pytest.approx(loudness_lufs(sound), abs=0.2)
    assert made.true_peak_dbtp == pytest.approx(true_peak_dbtp(sound), abs=0.2)
    assert sound.size == made.frames


@pytest.mark.parametrize(("language", "words_per_minute"), [("ru", 145), ("de", 190)])
def test_speech_that_lives_from_its_peaks_reaches_the_target_too(
    language, words_per_minute, recordings, store
):
    text = {
        "ru": "Доброе утро. В субботу утром администрация поможет вам оформить документы.",
        "de": "Guten Morgen. Das Gemeindeamt ist am Samstag geöffnet und hilft Ihnen bei Papieren.",
    }[language]
    path = recordings / f"{language}.wav"
    command = ["espeak-ng", "-v", language, "-s", str(words_per_minute), "-w", path, text]
    subprocess.run(command, check=True, timeout=30)

    made = ingest(path, store)

    assert loudness_lufs(decoded(store.path(made.sha256))) == pytest.approx(-16, abs=0.5)
    assert made.true_peak_dbtp <= -1.5
    assert made.warnings == ()


def test_a_clip_says_all_the_page_needs(speech, store):
    made = ingest(speech, store)

    assert made.bytes == store.size_bytes(made.sha256)
    assert made.duration_ms == round(made.frames / 48)
    assert 100 < len(made.peaks) <= 600
    assert all(0 <= level <= 100 for level in made.peaks)
    assert max(made.peaks) > 40
    assert made.source_format == "wav"
    assert content(store, made.source_sha256) == speech.read_bytes()


# --- warnings ----------------------------------------------------------------------------------


def codes(made) -> set[str]:
    return {found.code for found in made.warnings}


def test_a_very_quiet_recording_is_raised_and_said(speech, recordings, store):
    path = recordings / "quiet.wav"
    ffmpeg("-i", speech, "-af", "volume=-38dB", path)

    made = ingest(path, store)

    assert "very_quiet" in codes(made)
    assert loudness_lufs(decoded(store.path(made.sha256))) == pytest.approx(-16, abs=0.5)


def test_a_clipped_recording_is_said(speech, recordings, store):
    path = recordings / "clipped.wav"
    ffmpeg("-i", speech, "-af", "volume=20dB", "-c:a", "pcm_s16le", path)

    assert codes(ingest(path, store)) == {"clipped"}


def test_a_dead_channel_is_said(speech, recordings, store):
    path = recordings / "dead.wav"
    ffmpeg("-i", speech, "-af", "pan=stereo|c0=c0|c1=0*c0", path)

    made = ingest(path, store)

    assert codes(made) == {"one_channel"}
    assert made.loudness_lufs == pytest.approx(-16, abs=0.5)


def test_channels_that_cancel_each_other_do_not(speech, recordings, store):
    path = recordings / "opposite.wav"
    ffmpeg("-i", speech, "-af", "pan=stereo|c0=c0|c1=-1*c0", path)

    made = ingest(path, store)

    assert codes(made) == {"opposite_channels"}
    assert made.loudness_lufs == pytest.approx(-16, abs=0.5)


def test_music_is_said_and_speech_is_not(recordings, store):
    path = recordings / "music.wav"
    chord = "+".join(f"0.2*sin(2*PI*{hertz}*t)" for hertz in (440, 554, 659))
    beat = f"({chord})*(0.75+0.25*sin(2*PI*2*t))"
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc={beat}:d=8:s=44100", path)

    assert "mostly_music" in codes(ingest(path, store))


def test_a_tune_with_rests_is_music_and_speech_over_music_is_not(speech, recordings, store):
    """Neither pauses nor a bed of music decide alone."""
    tune, over = recordings / "rests.wav", recordings / "over.wav"
    note = "0.4*sin(2*PI*(440+110*mod(floor(t*3),3))*t)*lt(mod(t*3,1),0.55)"
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc={note.replace(',', chr(92) + ',')}:d=8:s=44100", tune)
    bed = "aevalsrc=0.02*sin(2*PI*220*t)+0.02*sin(2*PI*330*t):d=20:s=22050"
    ffmpeg(
        "-i",
        speech,
        "-f",
        "lavfi",
        "-i",
        bed,
        "-filter_complex",
        "amix=2:duration=first:normalize=0",
        over,
    )

    assert "mostly_music" in codes(ingest(tune, store))
    assert "mostly_music" not in codes(ingest(over, store))


def test_a_cut_off_file_is_said(speech, recordings, store):
    whole, cut = recordings / "whole.m4a", recordings / "cut.m4a"
    ffmpeg("-i", speech, "-c:a", "aac", "-movflags", "faststart", whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])

    made = ingest(cut, store)

    assert codes(made) == {"truncated"}
    assert "giây" in made.warnings[0].vi
    assert "seconds" in made.warnings[0].en


def test_a_cut_off_wav_is_said_too(speech, recordings, store):
    cut = recordings / "cut.wav"
    cut.write_bytes(speech.read_bytes()[: speech.stat().st_size // 2])

    assert codes(ingest(cut, store)) == {"truncated"}


def test_a_recording_from_a_browser_says_no_length(short_speech, recordings, store):
    path = recordings / "recorder.webm"
    # MediaRecorder writes as it goes: neither a length nor an index.
    ffmpeg("-i", short_speech, "-c:a", "libopus", "-ar", "48000", "-f", "webm", "-live", "1", path)

    made = ingest(path, store)

    assert made.warnings == ()
    assert made.source_duration_ms == pytest.approx(3000, abs=100)


def test_leading_and_trailing_silence_is_trimmed(short_speech, recordings, store):
    path = recordings / "padded.wav"
    ffmpeg("-i", short_speech, "-af", "adelay=4000,apad=pad_dur=5", path)

    made = ingest(path, store)

    assert made.source_duration_ms == pytest.approx(12_000, abs=100)
    assert made.duration_ms == pytest.approx(3_000, abs=600)
    assert made.start_ms == pytest.approx(4_000, abs=300)


def test_quiet_words_beside_a_loud_burst_are_not_taken_for_silence(short_speech, recordings, store):
    path = recordings / "burst.wav"
    burst = "anoisesrc=a=0.9:d=0.5:r=22050"
    quiet = "[0]volume=-30dB[a];[1]adelay=1000[b];[a][b]amix=2:normalize=0"
    ffmpeg("-i", short_speech, "-f", "lavfi", "-i", burst, "-filter_complex", quiet, path)

    assert ingest(path, store).duration_ms > 2700


# --- edits -------------------------------------------------------------------------------------


def test_a_trim_is_kept_on_the_original_and_can_be_undone(speech, store):
    whole = ingest(speech, store)
    cut = edit(whole.source_sha256, store, trim=Trim(1000, 4000, fade_out_ms=200))
    undone = edit(cut.source_sha256, store, trim=None)

    assert cut.duration_ms == 3000
    assert (cut.start_ms, cut.end_ms) == (1000, 4000)
    assert cut.source_sha256 == whole.source_sha256
    assert undone.sha256 == whole.sha256


def test_an_end_left_alone_loses_its_silence_still(short_speech, recordings, store):
    path = recordings / "trimmed_once.wav"
    ffmpeg("-i", short_speech, "-af", "adelay=4000,apad=pad_dur=5", path)

    tail_cut = ingest(path, store, trim=Trim(end_ms=6000))
    head_cut = ingest(path, store, trim=Trim(start_ms=5000))

    assert tail_cut.start_ms == pytest.approx(4000, abs=300)
    assert tail_cut.end_ms == 6000
    assert head_cut.start_ms == 5000
    assert head_cut.end_ms == pytest.approx(7000, abs=500)


def test_a_cut_is_chosen_on_the_outline_of_the_original(short_speech, recordings, store):
    path = recordings / "late.wav"
    ffmpeg("-i", short_speech, "-af", "adelay=3000", path)
    made = ingest(path, store)

    peaks = outline(made.source_sha256, store).peaks

    assert 500 <= len(peaks) <= 600
    assert max(peaks[: len(peaks) // 2 - 10]) == 0
    assert max(peaks[len(peaks) // 2 :]) > 30


@pytest.mark.parametrize(("start_ms", "end_ms"), [(-5, 1000), (3000, 2000), (99_000, None)])
def test_a_trim_outside_the_recording_is_refused(start_ms, end_ms, speech, store):
    with pytest.raises(AudioError) as refusal:
        ingest(speech, store, trim=Trim(start_ms, end_ms))

    assert refusal.value.code == "bad_trim"
    assert held(store) == []


# --- once, watched, and stopped ----------------------------------------------------------------


def test_two_uploads_of_one_file_store_it_once(short_speech, store):
    first, second = ingest(short_speech, store), ingest(short_speech, store)

    assert first == second
    assert len(held(store)) == 2  # the clip and its original


def test_progress_runs_from_start_to_end(speech, store):
    shares = []
    ingest(speech, store, progress=shares.append)

    assert shares == sorted(shares)
    assert shares[0] < 0.3
    assert shares[-1] == 1.0
    assert len(shares) > 5


def test_a_cancelled_upload_stores_nothing(speech, store):
    shares = []

    with pytest.raises(AudioError) as refusal:
        ingest(speech, store, progress=shares.append, cancelled=lambda: bool(shares))

    assert refusal.value.code == "cancelled"
    assert refusal.value.retryable
    assert held(store) == []


def test_work_that_takes_too_long_is_stopped(speech, store):
    with pytest.raises(AudioError) as refusal:
        ingest(speech, store, limits=Limits(wall_s=0.2))

    assert refusal.value.code == "timeout"
    assert held(store) == []


class FullStore(Store):
    """A store whose disk is full from its n-th new file on: /dev/full says ENOSPC for real."""

    def __init__(self, root, full_from: int) -> None:
        super().__init__(root)
        self._left = full_from

    @contextmanager
    def incoming(self):
        self._left -= 1
        if self._left >= 0:
            with super().incoming() as file:
                yield file
        else:
            with suppress(OSError), Path("/dev/full").open("r+b") as file:
                yield file


@pytest.mark.parametrize("full_from", [0, 1, 2])
def test_a_full_disk_is_said_and_stores_nothing(full_from, speech, tmp_path):
    """The spool, the clip, or the original finds no room."""
    store = FullStore(tmp_path / "store", full_from)

    with pytest.raises(AudioError) as refusal:
        ingest(speech, store)

    assert refusal.value.code == "disk_full"
    assert refusal.value.retryable
    assert held(store) == []
