"""Text to a clip, and which voice speaks it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from audio_library.errors import AudioError
from audio_library.samples import (
    EMERGENCY_MESSAGES,
    SAMPLES,
    render_emergency,
    render_sample,
)
from audio_library.speech import MOST_CHARACTERS, chosen, normalise, speak, voices
from audio_library.voices import Cancelled, EspeakVoice, PiperVoice
from tests.audio_library.conftest import held
from tests.audio_library.meters import decoded, loudness_lufs, true_peak_dbtp


def test_a_typed_text_becomes_a_clip_that_keeps_its_text(store):
    made = speak("UBND xã mời bà con họp lúc 17h30 ngày 24/4/2025, tại nhà văn hóa.", "vi", store)
    sound = decoded(store.path(made.sha256))

    assert made.text.startswith("UBND xã")
    assert "mười bảy giờ ba mươi" in made.spoken_text
    assert made.duration_ms > 4000
    assert loudness_lufs(sound) == pytest.approx(-16, abs=0.5)
    assert true_peak_dbtp(sound) <= -1.4
    assert made.warnings == ()


@pytest.mark.parametrize(("language", "text"), [("en", "Dear all."), ("fr", "Chers amis.")])
def test_other_languages_speak_too(language, text, store):
    made = speak(text, language, store)

    assert made.spoken_text == text
    assert made.duration_ms > 400


def test_the_three_dialects_differ(store):
    clips = {speak("Xin chào.", "vi", store, voice=v.name).sha256 for v in voices()}

    assert len(clips) == 3


def refused(*arguments, **named) -> AudioError:
    with pytest.raises(AudioError) as refusal:
        speak(*arguments, **named)
    return refusal.value


@pytest.mark.parametrize("text", ["", "  \n ", "!!! ...", "😀"])
def test_no_words_are_refused(text, store):
    assert refused(text, "vi", store).code == "empty_text"
    assert held(store) == []


def test_a_book_is_refused(store):
    assert refused("a" * (MOST_CHARACTERS + 1), "vi", store).code == "text_too_long"


def test_a_language_without_a_voice_is_said(store):
    error = refused("Nyob zoo.", "hmn", store)

    assert error.code == "no_voice"
    assert "hmn" in error.vi


def test_a_voice_that_is_not_installed_says_what_to_install(store, tmp_path):
    piper = PiperVoice(tmp_path / "vi_VN-nobody-medium.onnx")
    error = refused("Xin chào.", "vi", store, known=[piper])

    assert error.code == "voice_missing"
    assert "piper" in error.en
    assert "vi_VN-nobody-medium" in error.vi


def test_text_is_never_taken_for_options(store):
    assert speak("--help -w /tmp/stray.wav", "en", store).duration_ms > 500
    assert not Path("/tmp/stray.wav").exists()


def test_normalising_shows_what_will_be_said():
    assert normalise("Họp lúc 8h", "vi") == "Họp lúc tám giờ"
    assert normalise(" at  8\t\x07am ", "en") == "at 8 am"


# --- voices ------------------------------------------------------------------------------------


class Whistler(EspeakVoice):
    """A voice of someone else's making: the real interface, the real program underneath."""

    @property
    def languages(self) -> tuple[str, ...]:
        return ("hmn",)

    def say(self, text, language, target, cancelled=None) -> None:
        super().say(text, "vi", target, cancelled)


def test_a_voice_can_be_added(store):
    whistler = Whistler(name="whistler", title="Whistler")

    assert speak("Nyob zoo.", "hmn", store, known=[*voices(), whistler]).duration_ms > 300


def test_the_first_installed_voice_speaks(tmp_path):
    known = [PiperVoice(tmp_path / "vi_VN-nobody-medium.onnx"), EspeakVoice()]

    assert chosen(None, "vi", known).name == "espeak"


def piper_stand_in(folder: Path, monkeypatch, script: str) -> PiperVoice:
    """A `piper` program on the path, and a model file for it."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "piper"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    model = folder / "vi_VN-co_giao-medium.onnx"
    model.write_bytes(b"model")
    model.with_name(f"{model.name}.json").write_text('{"language": {"family": "vi"}}')
    return PiperVoice(model)


def test_a_piper_voice_speaks_through_its_program(tmp_path, monkeypatch, store):
    script = '#!/bin/sh\n[ "$2" = "$(ls %s/*.onnx)" ] || exit 9\nexec espeak-ng --stdin --stdout\n'
    voice = piper_stand_in(tmp_path, monkeypatch, script % tmp_path)

    assert voice.available()
    assert voice.languages == ("vi",)
    assert speak("Xin chào bà con.", "vi", store, known=[voice]).duration_ms > 500
    assert [v.name for v in voices(tmp_path)][-1] == "piper:vi_VN-co_giao-medium"


def test_a_voice_that_breaks_is_said(tmp_path, monkeypatch, store):
    voice = piper_stand_in(tmp_path, monkeypatch, "#!/bin/sh\necho broken >&2\nexit 1\n")

    assert refused("Xin chào.", "vi", store, known=[voice]).code == "voice_failed"
    assert held(store) == []


def test_speaking_can_be_cancelled(tmp_path, monkeypatch, store):
    voice = piper_stand_in(tmp_path, monkeypatch, "#!/bin/sh\nexec sleep 60\n")

    error = refused("Xin chào.", "vi", store, known=[voice], cancelled=lambda: True)

    assert error.code == "cancelled"


# --- texts ready to use -------------------------------------------------------------------------


def test_there_is_a_sample_for_each_content_area():
    assert [sample.topic for sample in SAMPLES] == [1, 2, 3, 4, 5, 6]
    assert all(300 < len(sample.text) < 1200 for sample in SAMPLES)


def test_every_kind_of_emergency_has_a_message():
    keys = {message.key for message in EMERGENCY_MESSAGES}

    assert keys == {
        *("lu_lut", "bao", "chay", "sat_lo", "tim_nguoi", "dien_tap", "dinh_chinh", "bao_an"),
    }


@pytest.mark.parametrize("message", EMERGENCY_MESSAGES, ids=lambda message: message.key)
def test_an_emergency_message_is_whole_with_and_without_its_facts(message):
    plain, filled = message.filled(), message.filled(noi="thôn Đông", tap_trung="trường học")

    assert "{" not in plain + filled
    assert "thôn Đông" in filled
    assert not any(c.isdigit() for c in normalise(filled))


def test_a_drill_cannot_be_mistaken_for_the_real_thing():
    messages = {message.key: message for message in EMERGENCY_MESSAGES}
    real = {message.tune for key, message in messages.items() if key != "dien_tap"}

    assert messages["dien_tap"].tune not in real
    assert messages["dien_tap"].text.count("diễn tập") >= 4
    assert messages["dien_tap"].text.startswith("Đây là diễn tập")


def test_samples_and_messages_are_spoken(store):
    sample = render_sample("an_toan_mang", store)
    message = render_emergency("tim_nguoi", store, noi="xã Quảng Phú")

    assert 20_000 < sample.duration_ms < 60_000
    assert "xã Quảng Phú" in message.spoken_text
    for made in (sample, message):
        assert made.warnings == ()
        assert made.loudness_lufs == pytest.approx(-16, abs=0.5)


def test_a_full_disk_is_said_though_the_voice_takes_no_notice():
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(AudioError) as refusal:
        EspeakVoice().say("Kính thưa bà con.", "vi", full)
    assert refusal.value.code == "disk_full"


@dataclass(frozen=True)
class BrokenVoice(EspeakVoice):
    """Ends well and says nothing that can be heard."""

    title: str = "Hỏng"

    def say(
        self, text: str, language: str, target: BinaryIO, cancelled: Cancelled | None = None
    ) -> None:
        target.write(b"no sound at all" * 100)


def test_a_voice_that_gives_no_sound_is_named(store):
    with pytest.raises(AudioError) as refusal:
        speak("Kính thưa bà con.", "vi", store, known=[BrokenVoice()])
    assert refusal.value.code == "voice_failed"
    assert "Hỏng" in refusal.value.vi
    assert held(store) == []


def test_a_piper_model_without_its_description_says_which_file_is_missing(tmp_path):
    (tmp_path / "vi_VN-x.onnx").write_bytes(b"model")
    with pytest.raises(AudioError) as refusal:
        chosen("piper:vi_VN-x", "vi", voices(tmp_path))
    assert "vi_VN-x.onnx.json" in refusal.value.vi
