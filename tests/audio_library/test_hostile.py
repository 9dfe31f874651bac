"""Hostile and broken files: each is refused with a sentence, and nothing is left behind."""

import os
import struct

import pytest

from audio_library.errors import AudioError
from audio_library.ingest import ingest
from audio_library.settings import Limits
from tests.audio_library.conftest import ffmpeg, held

SECRET = "kept from prying playlists"


def refused(path, store, **named) -> str:
    """The code of the refusal; a sentence in both languages, and an empty store."""
    with pytest.raises(AudioError) as refusal:
        ingest(path, store, **named)
    assert refusal.value.vi.endswith((".", ")."))
    assert refusal.value.en.endswith((".", ")."))
    assert held(store) == []
    return refusal.value.code


def wav_header(rate_hz, channels, *, bits, size_bytes) -> bytes:
    block = channels * bits // 8 % 2**16
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size_bytes, b"WAVE", b"fmt ", 16, 1, channels, rate_hz),
        *(rate_hz * bits // 8 % 2**32, block, bits, b"data", size_bytes),
    )


TEXTS = {
    "empty.mp3": (b"", "empty"),
    "one_byte.mp3": (b"\xff", "not_audio"),
    "page.mp3": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>" * 50, "not_audio"),
    "paper.mp3": (b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 50, "not_audio"),
    "noughts.wav": (bytes(50_000), "not_audio"),
    "list.mp3": (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_audio"),
    "live.mp3": (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "not_audio",
    ),
    "away.m3u8": (b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", "not_audio"),
    "dash.mp3": (
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
        b"<AdaptationSet><BaseURL>/etc/passwd</BaseURL></AdaptationSet></Period></MPD>",
        "not_audio",
    ),
    "session.sdp": (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n", "not_audio"),
    "subtitles.mp3": (b"1\n00:00:01,000 --> 00:00:02,000\nXin chao\n", "not_audio"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_sound_is_refused(name, tmp_path, store):
    content, code = TEXTS[name]
    (tmp_path / name).write_bytes(content)

    assert refused(tmp_path / name, store) == code


def test_random_bytes_are_refused(tmp_path, store):
    (tmp_path / "noise.mp3").write_bytes(os.urandom(200_000))

    assert refused(tmp_path / "noise.mp3", store) in {"not_audio", "damaged", "no_sound"}


def test_a_video_without_sound_is_refused(tmp_path, store):
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2", tmp_path / "mute.mp4")

    assert refused(tmp_path / "mute.mp4", store) == "no_sound"


def test_silence_is_refused(tmp_path, store):
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", "5", tmp_path / "silence.wav")

    assert refused(tmp_path / "silence.wav", store) == "silent"


def test_a_shifted_zero_line_is_silence(tmp_path, store):
    ffmpeg("-f", "lavfi", "-i", "aevalsrc=0.5:s=16000", "-t", "4", tmp_path / "shifted.wav")

    assert refused(tmp_path / "shifted.wav", store) == "silent"


def test_a_slip_of_the_finger_is_refused(short_speech, tmp_path, store):
    ffmpeg("-ss", "1", "-i", short_speech, "-t", "0.1", tmp_path / "slip.wav")

    assert refused(tmp_path / "slip.wav", store) == "too_short"


def test_ten_hours_are_refused_at_once(tmp_path, store):
    rate, seconds = 8_000, 36_000
    header = wav_header(rate, 1, bits=8, size_bytes=rate * seconds)
    with (tmp_path / "long.wav").open("wb") as long:
        long.write(header)
        long.truncate(len(header) + rate * seconds)  # a hole: no disk is used

    assert refused(tmp_path / "long.wav", store, limits=Limits(max_bytes=10**9)) == "too_long"


def test_a_file_that_hides_its_length_is_refused_when_it_gets_too_long(
    short_speech, tmp_path, store
):
    ffmpeg("-i", short_speech, "-c:a", "aac", "-f", "adts", tmp_path / "part.aac")
    (tmp_path / "whole.aac").write_bytes((tmp_path / "part.aac").read_bytes() * 10)

    assert refused(tmp_path / "whole.aac", store, limits=Limits(max_duration_s=12)) == "too_long"


def test_a_compression_bomb_is_refused_at_once(tmp_path, store):
    ffmpeg(
        *("-f", "lavfi", "-i", "anullsrc=r=192000:cl=7.1", "-t", "10"),
        *("-c:a", "flac", tmp_path / "bomb.flac"),
    )
    small = Limits(max_samples=1_000_000, max_duration_s=10_000)

    assert (tmp_path / "bomb.flac").stat().st_size < 1_000_000
    assert refused(tmp_path / "bomb.flac", store, limits=small) == "too_heavy"


def test_a_file_too_large_is_refused_unread(short_speech, store):
    assert refused(short_speech, store, limits=Limits(max_bytes=1000)) == "too_large"


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(1, 1), (4_000_000_000, 1), (48_000, 65_535), (48_000, 0)]
)
def test_absurd_headers_are_refused(rate_hz, channels, tmp_path, store):
    header = wav_header(rate_hz, channels, bits=16, size_bytes=96_000)
    (tmp_path / "absurd.wav").write_bytes(header + os.urandom(96_000))

    assert refused(tmp_path / "absurd.wav", store) in {"absurd", "not_audio", "damaged"}


def test_a_wav_that_claims_four_gigabytes_is_read_for_what_it_holds(short_speech, tmp_path, store):
    content = bytearray(short_speech.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 0xFFFFFF00)
    (tmp_path / "liar.wav").write_bytes(content)

    assert ingest(tmp_path / "liar.wav", store).source_duration_ms == pytest.approx(3000, abs=50)


def test_a_film_without_its_index_is_refused(short_speech, tmp_path, store):
    ffmpeg("-i", short_speech, "-c:a", "aac", tmp_path / "whole.m4a")
    content = (tmp_path / "whole.m4a").read_bytes()
    (tmp_path / "cut.m4a").write_bytes(content[: len(content) // 2])

    assert refused(tmp_path / "cut.m4a", store) in {"not_audio", "damaged"}


def test_a_playlist_inside_a_film_opens_nothing(short_speech, tmp_path, store):
    # A QuickTime reference track ("dref" with a path) must not be followed.
    (tmp_path / "secret.txt").write_text(SECRET)
    ffmpeg("-i", short_speech, "-c:a", "aac", tmp_path / "film.mov")
    content = (tmp_path / "film.mov").read_bytes()
    path = str(tmp_path / "secret.txt").encode()
    changed = content.replace(b"url \x00\x00\x00\x01", b"alis\x00\x00\x00\x00", 1)
    (tmp_path / "ref.mov").write_bytes(changed + path)

    try:
        made = ingest(tmp_path / "ref.mov", store)
    except AudioError as error:
        assert error.code in {"not_audio", "damaged"}
    else:
        assert made.duration_ms > 0


NAMES = [
    "../../../escape.wav",
    "a\nb.wav",
    "tiếng Việt 😀.wav",
    "-i.wav",
    "x" * 250 + ".wav",
    "%s%n",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_name_changes_nothing(name, short_speech, tmp_path, store):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    path = deep / name
    path.write_bytes(short_speech.read_bytes())

    made = ingest(path, store)

    assert {made.sha256, made.source_sha256} == {found.name for found in held(store)}


@pytest.mark.parametrize("name", ["nothing.mp3", "nul\0.mp3", "x" * 300 + ".mp3", "."])
def test_a_name_that_is_no_file_is_refused(name, tmp_path, store):
    assert refused(tmp_path / name, store) == "not_a_file"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path, store):
    os.mkfifo(tmp_path / "pipe.mp3")

    assert refused(tmp_path / "pipe.mp3", store) == "not_a_file"
    assert refused(tmp_path / "dev", store) == "not_a_file"
