"""Voices that turn text into a WAV file: espeak-ng as the built-in one, Piper as a plug-in.

A voice is a program of its own (both are GPL, so neither is linked in), fed by standard input,
run with limits on time, memory and output. Add one by implementing `Voice`.
"""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from audio_library.errors import AudioError
from audio_library.programs import run_program

Cancelled = Callable[[], bool]


class Voice(Protocol):
    """One voice. `languages` are ISO 639 codes; `remedy` says how to install what is missing."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def languages(self) -> tuple[str, ...]: ...
    @property
    def remedy(self) -> str: ...
    def available(self) -> bool:
        """Whether it can speak on this machine now."""
        ...

    def say(
        self, text: str, language: str, target: BinaryIO, cancelled: Cancelled | None = None
    ) -> None:
        """Write the spoken text to `target` as WAV. Raises AudioError."""
        ...


@dataclass(frozen=True)
class EspeakVoice:
    """The built-in voice: robotic, but tones are distinct and it needs no model (240× real time).

    145 words a minute is slow on purpose: horns answer each other across a village.
    """

    name: str = "espeak"
    title: str = "espeak-ng"
    words_per_minute: int = 145
    dialects: tuple[tuple[str, str], ...] = (("vi", "vi"),)
    remedy: str = "espeak-ng (apt install espeak-ng)"

    @cached_property
    def _spoken(self) -> dict[str, str]:
        return dict(self.dialects)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._spoken)

    def available(self) -> bool:
        return shutil.which("espeak-ng") is not None

    def say(
        self, text: str, language: str, target: BinaryIO, cancelled: Cancelled | None = None
    ) -> None:
        program = shutil.which("espeak-ng")
        if program is None:
            raise AudioError("voice_missing", voice=self.title, remedy=self.remedy)
        arguments = ["-v", self._spoken[language], "-s", str(self.words_per_minute), "-b", "1"]
        run_program(
            [program, *arguments, "--stdin", "--stdout"],
            text.encode(),
            target,
            voice=self.title,
            cancelled=cancelled,
        )


@dataclass(frozen=True)
class PiperVoice:
    """A Piper voice the administrator put on the disk: NAME.onnx with NAME.onnx.json beside.

    Speaks through the `piper` program, or the `piper` package of this Python.
    """

    model: Path

    @property
    def remedy(self) -> str:
        if self.model.is_file() and not self._description.is_file():
            return self._description.name
        return "piper (pip install piper-tts)"

    @property
    def name(self) -> str:
        return f"piper:{self.model.stem}"

    @property
    def title(self) -> str:
        return f"Piper {self.model.stem}"

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """From the file beside the model, or from its name (vi_VN-vais1000-medium.onnx)."""
        try:
            described = json.loads(self._description.read_text("utf-8"))
            return (str(described["language"]["family"]),)
        except (OSError, ValueError, KeyError, TypeError):
            return (self.model.stem.partition("_")[0].lower(),)

    def available(self) -> bool:
        return self.model.is_file() and self._description.is_file() and bool(_piper())

    def say(
        self, text: str, language: str, target: BinaryIO, cancelled: Cancelled | None = None
    ) -> None:
        program = _piper()
        if not program or not self.model.is_file():
            raise AudioError("voice_missing", voice=self.title, remedy=self.remedy)
        # Piper takes each line as one utterance; it writes a file by name, here our descriptor.
        run_program(
            [*program, "--model", str(self.model), "--output_file", "-"],
            " ".join(text.split()).encode() + b"\n",
            target,
            voice=self.title,
            cancelled=cancelled,
            memory_bytes=4_000_000_000,  # onnxruntime reserves far more than the 0.5 GB it uses
        )

    @property
    def _description(self) -> Path:
        return self.model.with_name(self.model.name + ".json")


def built_in() -> tuple[Voice, ...]:
    """The voices that come with espeak-ng, the three dialects of Vietnamese first."""
    others = tuple((code, code) for code in _ESPEAK_LANGUAGES)
    return (
        EspeakVoice(title="Giọng máy miền Bắc", dialects=(("vi", "vi"), *others)),
        EspeakVoice(
            "espeak-central", "Giọng máy miền Trung", dialects=(("vi", "vi-vn-x-central"),)
        ),
        EspeakVoice("espeak-south", "Giọng máy miền Nam", dialects=(("vi", "vi-vn-x-south"),)),
    )


def piper_voices(folder: Path) -> tuple[Voice, ...]:
    """Every Piper model in a folder, by name."""
    return tuple(PiperVoice(model) for model in sorted(folder.glob("*.onnx")))


# Spoken in Viet Nam or by its guests, and known to espeak-ng. It has no Tày, Hmông, Khmer,
# Ê Đê or Ba Na voice: those are recorded by people.
_ESPEAK_LANGUAGES = ("en", "fr", "cmn", "yue", "ko", "ja", "ru", "th", "my", "ms", "id")


def _piper() -> Sequence[str]:
    program = shutil.which("piper")
    if program:
        return (program,)
    if importlib.util.find_spec("piper") is not None:
        return (sys.executable, "-m", "piper")
    return ()
