"""Warnings about a recording that was accepted all the same."""

from dataclasses import dataclass

from audio_library.sentences import WARNINGS


@dataclass(frozen=True, slots=True)
class Warning_:
    """One remark for the official: a stable code and a sentence in both languages."""

    code: str
    vi: str
    en: str


def warning(code: str, **facts: object) -> Warning_:
    """The remark of that code, its sentences filled with the facts."""
    vi, en = WARNINGS[code]
    return Warning_(code, vi.format(**facts), en.format(**facts))
