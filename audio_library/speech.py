"""Text to a clip: normalise it, speak it, and master it like any other recording."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from audio_library import vietnamese
from audio_library.errors import AudioError
from audio_library.ingest import Ingested, master
from audio_library.settings import HornClass, Limits
from audio_library.store import Store
from audio_library.voices import Voice, built_in, piper_voices

MOST_CHARACTERS = 20_000  # about 25 minutes
_NOT_THE_VOICE = ("sandbox", "store_corrupt", "too_heavy", "too_long")


def voices(piper_folder: Path | None = None) -> tuple[Voice, ...]:
    """All voices known here, built-in first; ask each whether it is `available()`."""
    return built_in() + (piper_voices(piper_folder) if piper_folder else ())


def normalise(text: str, language: str = "vi") -> str:
    """The text as it will be spoken, to be shown to the official before anything is made."""
    if language == "vi":
        return vietnamese.normalise(text)
    text = unicodedata.normalize("NFC", text).replace("\t", " ")
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C" or c == "\n")
    return re.sub(r" +", " ", text).strip()


def speak(
    text: str,
    language: str,
    store: Store,
    *,
    voice: str | None = None,
    known: Sequence[Voice] | None = None,
    horn: HornClass = HornClass.STANDARD,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Ingested:
    """Speak a text and store it as a clip that carries its text (`text`, `spoken_text`).

    `voice` is a name from `voices()`; without it the first available voice of the language
    speaks. Raises AudioError: empty_text, text_too_long, no_voice, voice_missing, voice_failed.
    """
    if len(text) > MOST_CHARACTERS:
        raise AudioError("text_too_long", most=MOST_CHARACTERS)
    spoken = normalise(text, language)
    if not any(c.isalnum() for c in spoken):
        raise AudioError("empty_text")
    speaker = chosen(voice, language, voices() if known is None else known)
    with store.incoming() as wave:
        speaker.say(spoken, language, wave, cancelled)
        try:
            made = master(
                wave,
                store,
                horn=horn,
                limits=Limits(),
                progress=progress,
                cancelled=cancelled,
            )
        except AudioError as error:
            if error.retryable or error.code in _NOT_THE_VOICE:
                raise
            # What it said is no sound: words about a file would tell its author nothing.
            raise AudioError("voice_failed", voice=speaker.title) from error
    return replace(made, text=text, spoken_text=spoken)


def chosen(name: str | None, language: str, known: Sequence[Voice]) -> Voice:
    """The voice asked for, or the first that speaks the language and is installed."""
    able = [voice for voice in known if language in voice.languages]
    if name is not None:
        able = [voice for voice in able if voice.name == name]
    if not able:
        raise AudioError("no_voice", language=language)
    for voice in able:
        if voice.available():
            return voice
    raise AudioError("voice_missing", voice=able[0].title, remedy=able[0].remedy)
