"""A programme's sounds: from clips and a tune to the parts a node plays, and how long they last.

Which recording of a clip sounds depends on the airing's instant (approval, validity), so the
recordings are loaded once and chosen from for each airing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.languages import FALLBACK
from controller.models import Approval, Clip, ClipVersion, Schedule, Tune
from controller.planning.versions import is_valid, recorded_anew, standing, translations_of
from controller.territory import areas
from protocol.messages import Part
from protocol.programme import length_ms, parts_for

DEFAULT_TUNE = "default"  # the area's own for the schedule's class


class Item(Protocol):
    """One clip of a programme, kept or only entered."""

    @property
    def clip_id(self) -> str: ...
    @property
    def times(self) -> int: ...
    @property
    def gap_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """One language of an item: its recordings, newest first, whatever their approval."""

    clip: Clip
    versions: tuple[ClipVersion, ...]

    def approved(self, at: datetime) -> list[ClipVersion]:
        return [v for v in self.versions if v.status == Approval.APPROVED and is_valid(v, at)]

    def older_than(self, original: "Spoken") -> bool:
        """Whether the original was recorded anew since this was."""
        if self.clip.id == original.clip.id:
            return False
        return recorded_anew(standing(original.versions), standing(self.versions))

    def longest_ms(self, at: datetime, *, decided: bool = False) -> int | None:
        """The longest that may come to sound then: what is approved, or waits to be.

        `decided`: what waits counts only where nothing is approved.
        """
        found = self.approved(at)[:1]
        if not (decided and found):
            found += [v for v in self.versions if v.status == Approval.PENDING][:1]
        return max((v.duration_ms for v in found), default=None)


@dataclass(frozen=True, slots=True)
class LoadedItem:
    """An item in all its languages, Vietnamese first; without the original none airs."""

    original: Spoken
    spoken: tuple[Spoken, ...]
    times: int
    gap_ms: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A programme with all recordings it may draw on."""

    tune: Tune | None
    items: tuple[LoadedItem, ...]
    outro: str | None = None  # its kind; what is said differs from village to village

    @property
    def changes_in_time(self) -> bool:
        """Whether a recording begins or ends to be valid, so that the instant matters."""
        return any(
            version.valid_from is not None or version.valid_until is not None
            for item in self.items
            for spoken in item.spoken
            for version in spoken.versions
        )

    def parts_at(self, at: datetime) -> tuple[Part, ...]:
        """What may sound then: the tune and each item's newest approved recordings.

        An item whose original may not air is left out with its translations; empty when nothing
        is left, for a tune alone announces nothing. The outro is each village's own to add.
        """
        parts = [part for i, item in enumerate(self.items, 1) for part in _parts(i, item, at)]
        return (*self._tune_part(), *parts) if parts else ()

    def longest_ms(
        self,
        at: datetime,
        language_sets: Iterable[Sequence[str]],
        outro_ms: Sequence[tuple[str, int]] = (),
        *,
        decided: bool = False,
    ) -> int:
        """How long it may last then, whichever of the language sets a node has.

        `decided`: without recordings that wait beside an approved one.
        """
        planned = [
            part
            for i, item in enumerate(self.items, 1)
            for part in _planned(i, item, at, decided=decided)
        ]
        if not planned:
            return 0
        last = len(self.items) + 1
        by_language = sorted(outro_ms, key=lambda each: each[0] != FALLBACK)
        outro = [Part(duration_ms=ms, item=last, language=each) for each, ms in by_language]
        parts = (*self._tune_part(), *planned, *outro)
        return max(length_ms(parts_for(parts, languages)) for languages in language_sets)

    def missing_languages(self, languages: Sequence[str]) -> list[tuple[Clip, str]]:
        """Which item lacks which of the languages, as (original clip, language)."""
        return [
            (item.original.clip, language)
            for item in self.items
            for language in languages
            if language not in {spoken.clip.language for spoken in item.spoken}
        ]

    def stale_languages(self, languages: Sequence[str]) -> list[tuple[Clip, str]]:
        """Which item says an older text in one of the languages, as (original clip, language)."""
        return [
            (item.original.clip, each.clip.language)
            for item in self.items
            for each in item.spoken
            if each.clip.language in languages and each.older_than(item.original)
        ]

    def _tune_part(self) -> tuple[Part, ...]:
        if self.tune is None:
            return ()
        tune = self.tune
        return (Part(sha256=tune.sha256, bytes=tune.bytes, duration_ms=tune.duration_ms),)


def of_schedule(session: Session, schedule: Schedule) -> Loaded:
    """The programme of a saved schedule, with the tune its area gives its class."""
    programme = schedule.programme
    tune = programme.tune
    if tune == DEFAULT_TUNE:
        first = min(area.area_id for area in schedule.areas)  # all agree, see `schedule_input`
        tune = areas.effective(session, first).policy.tunes.get(schedule.class_)
    return load(session, tune, programme.items, programme.outro)


def load(
    session: Session, tune: str | None, items: Sequence[Item], outro: str | None = None
) -> Loaded:
    """Load a programme with a fixed number of queries; `tune` is a tune's own name."""
    originals = [item.clip_id for item in items]
    translations = translations_of(session, originals)
    clips = {
        clip.id: clip for clip in session.scalars(select(Clip).where(Clip.id.in_(set(originals))))
    }
    ids = set(originals) | {clip.id for found in translations.values() for clip in found}
    versions = _versions(session, ids)
    spoken = {
        clip.id: Spoken(clip, tuple(versions.get(clip.id, ())))
        for clip in (*clips.values(), *chain.from_iterable(translations.values()))
    }
    return Loaded(
        tune=session.get(Tune, tune) if tune else None,
        items=tuple(
            LoadedItem(
                original=spoken[item.clip_id],
                spoken=_fallback_first(
                    spoken[item.clip_id],
                    *(spoken[clip.id] for clip in translations.get(item.clip_id, ())),
                ),
                times=item.times,
                gap_ms=round(item.gap_s * 1000),
            )
            for item in items
        ),
        outro=outro,
    )


def _versions(session: Session, clip_ids: set[str]) -> dict[str, list[ClipVersion]]:
    query = select(ClipVersion).where(ClipVersion.clip_id.in_(clip_ids))
    found: dict[str, list[ClipVersion]] = {}
    for version in session.scalars(query.order_by(ClipVersion.version.desc())):
        found.setdefault(version.clip_id, []).append(version)
    return found


def _fallback_first(*spoken: Spoken) -> tuple[Spoken, ...]:
    # A node that has none of its languages plays the first: Vietnamese where there is one.
    return tuple(sorted(spoken, key=lambda each: each.clip.language != FALLBACK))


def _parts(number: int, item: LoadedItem, at: datetime) -> list[Part]:
    if not item.original.approved(at):
        return []
    parts = []
    for spoken in item.spoken:
        approved = spoken.approved(at)
        if approved:
            newest, *older = approved
            before = older[0] if older else None
            parts.append(
                Part(
                    sha256=newest.sha256,
                    bytes=newest.bytes,
                    duration_ms=newest.duration_ms,
                    item=number,
                    language=spoken.clip.language,
                    times=item.times,
                    gap_ms=item.gap_ms,
                    clip_id=spoken.clip.id,
                    fallback_sha256=before.sha256 if before else "",
                    fallback_bytes=before.bytes if before else 0,
                    fallback_duration_ms=before.duration_ms if before else 0,
                )
            )
    return parts


def _planned(number: int, item: LoadedItem, at: datetime, *, decided: bool) -> list[Part]:
    return [
        Part(
            duration_ms=longest,
            item=number,
            language=spoken.clip.language,
            times=item.times,
            gap_ms=item.gap_ms,
        )
        for spoken in item.spoken
        if (longest := spoken.longest_ms(at, decided=decided)) is not None
    ]
