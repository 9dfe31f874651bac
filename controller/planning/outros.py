"""The quiet outro of a programme: whom to ask in this village, or where its Group will be next.

Off unless a schedule asks for it. The words come from the Group of the village, or of the nearest
unit above that has one; `controller.planning.spoken_lines` has them spoken once for all who say the
same. An outro that a node does not hold yet is left out: it never silences what stands before it.

A village hears it in its own languages, in order, of those that have sentences here and a voice to
read them; where none has, in Vietnamese, and whoever makes the schedule is told so. The languages
of the highlands have no voice: their last words are recorded by people, as a clip.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.calendar.wall import as_utc, to_local, zone
from controller.errors import BadInput
from controller.models import SpokenLine
from controller.territory.places import Tree
from protocol.messages import Part

GAIN_DB = -6.0  # half the loudness of what stands before it
_MOST_PER_CHARACTER_MS, _LEAST_MS = 130, 3000
_CONTACT = ("name", "contact", "phone")
LANGUAGES = ("vi", "en")  # Vietnamese first: who understands none of them hears that
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")

Group = Mapping[str, Any]


class OutroKind(StrEnum):
    """What an outro tells."""

    CONTACT = "contact"
    NEXT_VISIT = "next_visit"


@dataclass(frozen=True, slots=True)
class Speaker:
    """A place with words of its own: its Group and the zone its times are meant in."""

    area_id: str
    group: Group
    timezone: str


def text_hash(text: str) -> str:
    """The key of a spoken line: the same words are spoken once."""
    return hashlib.sha256(text.encode()).hexdigest()


def spoken_for(languages: Sequence[str]) -> tuple[str, ...]:
    """In which of its languages a place hears an outro, in order."""
    return tuple(each for each in languages if each in LANGUAGES) or LANGUAGES[:1]


def text_at(kind: str, speaker: Speaker, at: datetime, language: str = "vi") -> str | None:
    """What is said after an airing at that instant. None: the Group has told nothing to say."""
    visit = _next_visit(speaker, at) if kind == OutroKind.NEXT_VISIT else None
    if visit is not None:
        return _VISIT[language](speaker, *visit)
    return _CONTACT_TEXT[language](speaker.group)


def texts_from(kind: str, speaker: Speaker, at: datetime, language: str = "vi") -> list[str]:
    """Everything that may be said from an instant on: each visit ahead, then the contact."""
    visits = _visits(speaker, at) if kind == OutroKind.NEXT_VISIT else []
    texts = (
        *(_VISIT[language](speaker, *visit) for visit in visits),
        _CONTACT_TEXT[language](speaker.group),
    )
    return list(dict.fromkeys(text for text in texts if text))


def speakers(area_ids: Iterable[str], tree: Tree) -> list[Speaker]:
    """Whose words follow a programme in these areas: the areas' own, and each place's below."""
    targets = set(area_ids)
    found = []
    for area_id in sorted(tree.open_below(targets)):
        group = _group_of(area_id, tree) if area_id in targets else tree.areas[area_id].group
        if group:
            found.append(Speaker(area_id, group, tree.effective(area_id).timezone))
    return found


def longest_ms(
    session: Session,
    kind: str | None,
    area_ids: Iterable[str],
    tree: Tree,
    after: datetime,
    language: str = "vi",
) -> int:
    """The longest outro in a language that may follow there from an instant on; 0: none.

    What has not been spoken yet counts with more than it can last.
    """
    if kind is None:
        return 0
    texts = {
        text for s in speakers(area_ids, tree) for text in texts_from(kind, s, after, language)
    }
    known = lines(session, texts)
    return max(
        (known[text].duration_ms if text in known else _bound_ms(text) for text in texts),
        default=0,
    )


def lines(session: Session, texts: Iterable[str]) -> dict[str, SpokenLine]:
    """Text → how it was spoken, of those that have been."""
    hashes = {text_hash(text): text for text in texts}
    query = select(SpokenLine).where(SpokenLine.text_sha256.in_(hashes))
    return {hashes[line.text_sha256]: line for line in session.scalars(query)}


def part_of(line: SpokenLine, item: int, language: str) -> Part:
    """The last part of an airing: quiet, and optional. `item` groups its languages."""
    return Part(
        item=item,
        language=language,
        sha256=line.sha256,
        bytes=line.bytes,
        duration_ms=line.duration_ms,
        gain_db=GAIN_DB,
        optional=True,
    )


def _group_of(area_id: str, tree: Tree) -> Group | None:
    for each in reversed(tree.path(area_id)):
        if tree.areas[each].group:
            return tree.areas[each].group
    return None


def _contact_text(group: Group) -> str | None:
    name, contact, phone = (str(group.get(key) or "").strip() for key in _CONTACT)
    if not (contact or phone):
        return None
    who = ", ".join(part for part in (name, contact) if part)
    number = f", số điện thoại {phone}" if phone else ""
    return f"Bà con cần hướng dẫn thêm, xin liên hệ {who}{number}."


def _visit_text(speaker: Speaker, at: datetime, place: str, topic: str) -> str:
    name = str(speaker.group.get("name") or "").strip() or "Tổ công nghệ số cộng đồng"
    about = f" về {topic}" if topic else ""
    minutes = f" {at.minute} phút" if at.minute else ""
    return (
        f"{name} sẽ hướng dẫn bà con{about} tại {place}, lúc {at.hour} giờ{minutes} "
        f"{_WEEKDAYS[at.weekday()]}, ngày {at.day} tháng {at.month}."
    )


def _contact_text_en(group: Group) -> str | None:
    name, contact, phone = (str(group.get(key) or "").strip() for key in _CONTACT)
    if not (contact or phone):
        return None
    who = ", ".join(part for part in (name, contact) if part)
    number = f", telephone {phone}" if phone else ""
    return f"For more help, please ask {who}{number}."


def _visit_text_en(speaker: Speaker, at: datetime, place: str, topic: str) -> str:
    name = str(speaker.group.get("name") or "").strip() or "The digital technology group"
    about = f" with {topic}" if topic else ""
    return f"{name} will help you{about} at {place}, on {at:%A} {at.day} {at:%B}, at {at:%H:%M}."


_VISIT: Mapping[str, Callable[..., str]] = {"vi": _visit_text, "en": _visit_text_en}
_CONTACT_TEXT: Mapping[str, Callable[[Group], str | None]] = {
    "vi": _contact_text,
    "en": _contact_text_en,
}


def _next_visit(speaker: Speaker, at: datetime) -> tuple[datetime, str, str] | None:
    return next(iter(_visits(speaker, at)), None)


def _visits(speaker: Speaker, after: datetime) -> list[tuple[datetime, str, str]]:
    """The Group's visits after an instant, soonest first, as (wall time, place, topic)."""
    tz = zone(speaker.timezone)
    found = []
    for visit in speaker.group.get("next_visits") or []:
        try:
            at = as_utc(str(visit.get("at", "")), tz, "at")
        except BadInput:
            continue  # an old row with words instead of a time says nothing
        if at > after:
            place, topic = (str(visit.get(key) or "").strip() for key in ("place", "topic"))
            found.append((to_local(at, tz), place, topic))
    return sorted(found)


def _bound_ms(text: str) -> int:
    # Figures are read digit by digit: each counts for a short word.
    characters = len(text) + 4 * sum(c.isdigit() for c in text)
    return _LEAST_MS + _MOST_PER_CHARACTER_MS * characters
