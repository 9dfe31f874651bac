"""What a schedule would do before it is saved: checked input, its airings, and what forbids them.

Judged over every occurrence of the coming year (at most `limit`): hours and limits of each area
below the targets, overlaps with other schedules, clips that will not be there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import languages
from controller.calendar.conflicts import FAR, Busy, Timeline
from controller.calendar.policy import Span, violations
from controller.calendar.recurrence import Rule
from controller.calendar.wall import to_local, zone
from controller.models import Approval, Schedule, ScheduleArea
from controller.planning import outros
from controller.planning.due import Due, Hearing, due_between, hearing_of, plan
from controller.planning.free_slots import FreeSlots, Ruled, ruled_places
from controller.planning.precedence import EFFECTS, Loss, loss_of
from controller.planning.programmes import Loaded
from controller.scheduling.advising import Advice, rfc3339
from controller.territory.places import Tree
from protocol.outcomes import AiringClass

LOOK_AHEAD = timedelta(days=366)
_AROUND = FAR + timedelta(days=2)
_MOST_PLACES = 5  # named in a sentence; `also` has them all
_MOST_OUTROS = 50  # villages whose words are shown before saving


@dataclass(frozen=True, slots=True)
class Planned:
    """An airing as it would be; UTC, worst-case end."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Outro:
    """What a village would hear last, after the first airing. `duration_ms` None: not spoken."""

    area_id: str
    area_name: str
    text: str
    duration_ms: int | None
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a schedule would do.

    Each conflict has `airing` (RFC 3339 start), `kind` (policy, clash, clip, language), `rule`,
    `area` (a rule's further places: `also`), sentences `vi` and `en`, `with` (the other schedule),
    `suggestion` (a free start) and `blocking`: true where it forbids saving. Where one class
    yields to another it says which (`loser`: this, other) and how (`effect`: wait, shorten, skip).
    """

    occurrences: list[Planned]
    conflicts: list[dict[str, Any]]
    outros: list[Outro] = field(default_factory=list)

    @property
    def blocking(self) -> list[dict[str, Any]]:
        return [conflict for conflict in self.conflicts if conflict["blocking"]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A schedule to judge, saved or only entered."""

    rule: Rule
    timezone: str
    starts_local: datetime
    loaded: Loaded
    area_ids: tuple[str, ...]
    class_: AiringClass
    late_s: int = 120
    schedule_id: str | None = None  # left out of what it is compared with
    follows: tuple[str, datetime] | None = None  # a schedule that ends before this original start


@dataclass(frozen=True, slots=True)
class _Others:
    """What else sounds in the same places: schedules, and their airings on one timeline."""

    schedules: list[Schedule]
    timeline: Timeline

    def sounding_in(self, area_ids: Iterable[str]) -> frozenset[int]:
        """Which of the approved ones sound in one of these areas; others may never air."""
        wanted = frozenset(area_ids)
        return frozenset(
            i
            for i, schedule in enumerate(self.schedules)
            if schedule.status == Approval.APPROVED
            and not wanted.isdisjoint(area.area_id for area in schedule.areas)
        )


def judge(
    session: Session, subject: Subject, now: datetime, tree: Tree, limit: int = 1000
) -> Draft:
    """The airings of the coming year and everything that speaks against them."""
    hearing = hearing_of(session, subject.area_ids, tree, subject.loaded.outro, now)
    due = list(islice(_due(subject, hearing, now), limit))
    planned = [Planned(each.starts_at, each.ends_at) for each in due]
    if not due:
        return Draft([], [])
    conflicts = [*_clips(subject, due), *_of_others(subject, tree, due[0])]
    conflicts += _languages(subject, tree, due[0])
    if subject.class_ != AiringClass.EMERGENCY:
        others = _others(session, subject, due, tree)
        ruled = ruled_places(subject.area_ids, tree, others.sounding_in)
        advice = Advice(
            due, lambda own: FreeSlots.of(subject.area_ids, tree, others.timeline, ruled, now, own)
        )
        conflicts += map(advice.on, _policies(due, others, ruled, tree))
        conflicts += map(advice.on, _clashes(subject, due, others))
    if subject.loaded.outro:
        conflicts += _last_words(subject, hearing, due[0], tree)
    ordered = sorted(conflicts, key=lambda c: (c["airing"], not c["blocking"]))
    return Draft(planned, ordered, _outros(session, subject, due[0], tree))


def _due(subject: Subject, hearing: Hearing, now: datetime) -> list[Due]:
    return plan(
        subject.rule,
        subject.timezone,
        subject.starts_local,
        subject.loaded,
        hearing,
        subject.class_,
        now,
        now + LOOK_AHEAD,
    )


def _clips(subject: Subject, due: Sequence[Due]) -> Iterator[dict[str, Any]]:
    """Clips that wait for approval, or will have expired: nothing would sound."""
    for item in subject.loaded.items:
        title = item.original.clip.title
        if not any(version.status == Approval.APPROVED for version in item.original.versions):
            yield _conflict(
                due[0],
                "clip",
                "not_approved",
                f"Tệp «{title}» chưa được duyệt: hãy duyệt trước giờ phát để tệp được phát.",
                f"The clip '{title}' is not approved: approve it in time or it will not air.",
            )
        for each in due:
            if item.original.longest_ms(each.starts_at) is None:
                yield _conflict(
                    each,
                    "clip",
                    "not_valid",
                    f"Tệp «{title}» hết hiệu lực trước lượt phát này: hãy gia hạn hoặc thay tệp.",
                    f"The clip '{title}' is not valid at this airing: extend or replace it.",
                )
                break


def _of_others(subject: Subject, tree: Tree, first: Due) -> Iterator[dict[str, Any]]:
    """Clips of a place that is not above where they are to air: allowed to who runs both."""
    shared = frozenset.intersection(*(frozenset(tree.path(each)) for each in subject.area_ids))
    for clip in {
        item.original.clip.id: item.original.clip for item in subject.loaded.items
    }.values():
        if clip.area_id is not None and clip.area_id not in shared:
            owner = tree.name(clip.area_id)
            yield _conflict(
                first,
                "clip",
                "elsewhere",
                f"Tệp «{clip.title}» là của {owner}, không phải của mọi nơi phát đã chọn: hãy nghe "
                "lại xem nội dung có hợp không.",
                f"The clip '{clip.title}' belongs to {owner}, not to all the places chosen: make "
                "sure that what it says fits them.",
            )


def _outros(session: Session, subject: Subject, first: Due, tree: Tree) -> list[Outro]:
    kind = subject.loaded.outro
    if kind is None:
        return []
    said = [
        (speaker.area_id, text, language)
        for speaker in outros.speakers(subject.area_ids, tree)
        for language in outros.spoken_for(tree.languages(speaker.area_id))
        if (text := outros.text_at(kind, speaker, first.starts_at, language))
    ][:_MOST_OUTROS]
    known = outros.lines(session, [text for _, text, _ in said])
    lasts = {text: line.duration_ms for text, line in known.items()}
    return [
        Outro(area_id, tree.name(area_id), text, lasts.get(text), language)
        for area_id, text, language in said
    ]


def _languages(subject: Subject, tree: Tree, first: Due) -> Iterator[dict[str, Any]]:
    wanted = {
        language
        for area_id in tree.open_below(subject.area_ids)
        for language in tree.languages(area_id)
    }
    for clip, language in subject.loaded.missing_languages(sorted(wanted)):
        vi, en = languages.names(language)
        yield _conflict(
            first,
            "language",
            "missing_language",
            f"Tệp «{clip.title}» chưa có bản tiếng {vi}: nơi đó sẽ nghe bản gốc.",
            f"The clip '{clip.title}' has no version in {en}: the original plays there.",
        )
    for clip, language in subject.loaded.stale_languages(sorted(wanted)):
        vi, en = languages.names(language)
        yield _conflict(
            first,
            "language",
            "stale_language",
            f"Bản tiếng {vi} của «{clip.title}» cũ hơn bản gốc: hãy thu lại, kẻo nói khác nhau.",
            f"The {en} version of '{clip.title}' is older than the original: record it anew.",
        )


def _last_words(
    subject: Subject, hearing: Hearing, first: Due, tree: Tree
) -> Iterator[dict[str, Any]]:
    """What an official should know of the outro before saving."""
    if not outros.speakers(subject.area_ids, tree):
        yield _nothing_to_say(first)
    for language in sorted({each for own in hearing.language_sets for each in own}):
        if language not in outros.LANGUAGES:
            vi, en = languages.names(language)
            yield _conflict(
                first,
                "outro",
                "no_voice",
                f"Lời kết không đọc được bằng tiếng {vi} vì chưa có giọng đọc: nơi đó nghe "
                "bằng tiếng khác của mình hoặc tiếng Việt. Muốn có, hãy thu âm thành một bản tin.",
                f"The outro cannot be read in {en}, which has no voice: those places hear "
                "it in another of their languages or in Vietnamese. Record it as a clip instead.",
            )


def _nothing_to_say(first: Due) -> dict[str, Any]:
    return _conflict(
        first,
        "outro",
        "no_group",
        "Chưa nơi nào ghi liên hệ của Tổ công nghệ số cộng đồng nên không có lời kết.",
        "No place has the contact of a Community Group yet, so nothing is said at the end.",
    )


def _others(session: Session, subject: Subject, due: Sequence[Due], tree: Tree) -> _Others:
    around = tree.around(subject.area_ids)
    named = select(ScheduleArea.schedule_id).where(ScheduleArea.area_id.in_(around))
    query = select(Schedule).where(
        Schedule.id.in_(named),
        Schedule.id != (subject.schedule_id or ""),
        Schedule.deleted_at.is_(None),
        Schedule.paused_at.is_(None),
        Schedule.status.in_((Approval.APPROVED, Approval.PENDING)),
        Schedule.class_ != AiringClass.EMERGENCY,
    )
    schedules = list(session.scalars(query.order_by(Schedule.id)))
    # More on both sides: free starts are looked for there, and limits count whole days.
    from_, until = due[0].starts_at - _AROUND, due[-1].ends_at + _AROUND
    spans = [
        Busy(each.starts_at, each.ends_at, i)
        for i, schedule in enumerate(schedules)
        for each in due_between(session, schedule, from_, until, tree)
        if not _followed(subject, schedule.id, each)
    ]
    return _Others(schedules, Timeline.of(spans))


def _followed(subject: Subject, schedule_id: str, each: Due) -> bool:
    """Whether the subject takes the place of an airing of the schedule that it follows."""
    follows = subject.follows
    return follows is not None and follows[0] == schedule_id and each.original_at >= follows[1]


def _policies(
    due: Sequence[Due], others: _Others, ruled: Sequence[Ruled], tree: Tree
) -> list[dict[str, Any]]:
    """Each rule of each area below the targets; an airing and rule once, with all its places."""
    spans = [Span(each.starts_at, each.ends_at) for each in due]
    found: dict[tuple[datetime, str], dict[str, Any]] = {}
    for place in ruled:
        beside = (b for b in others.timeline.spans if b.what in place.beside)
        there = [Span(b.starts_at, b.ends_at) for b in beside]
        effective, name = place.effective, tree.name(place.area_id)
        area = {"id": place.area_id, "name": name}
        for broken in violations(effective.policy, effective.timezone, spans, there):
            key = (broken.starts_at, broken.rule)
            if key in found:
                found[key]["also"].append(area)
                continue
            found[key] = {
                **_conflict(broken, "policy", broken.rule, "", "", blocking=True),
                "area": area,
                "also": [],
                "vi": f"{name}: {broken.vi}",
                "en": f"{name}: {broken.en}",
            }
    return [_with_places(conflict) for conflict in found.values()]


def _with_places(conflict: dict[str, Any]) -> dict[str, Any]:
    names = [area["name"] for area in conflict["also"]]
    if not names:
        return conflict
    shown = ", ".join(names[:_MOST_PLACES]) + (" …" if len(names) > _MOST_PLACES else "")
    vi, en = f"{conflict['vi']} Cũng ở: {shown}.", f"{conflict['en']} Also in: {shown}."
    return {**conflict, "vi": vi, "en": en}


def _clashes(subject: Subject, due: Sequence[Due], others: _Others) -> Iterator[dict[str, Any]]:
    for each in due:
        for busy in others.timeline.meeting(each.starts_at, each.ends_at):
            other = others.schedules[busy.what]
            loss = loss_of(subject.class_, subject.late_s, each, other, busy)
            if loss is not None:
                yield _loses(subject, each, busy, other, loss)
            else:
                yield _clash(subject, each, busy, other, other.status == Approval.APPROVED)


def _clash(
    subject: Subject, each: Due, busy: Busy, other: Schedule, blocking: bool
) -> dict[str, Any]:
    tz = zone(subject.timezone)
    start, end = to_local(busy.starts_at, tz), to_local(busy.ends_at, tz)
    at = to_local(each.starts_at, tz)
    waits = ("", "") if blocking else (" (đang chờ duyệt)", " (waiting for approval)")
    return {
        **_conflict(
            each,
            "clash",
            "overlap",
            f"Lượt phát {at:%H:%M} ngày {at:%d/%m/%Y} trùng giờ với «{other.title}» "
            f"{start:%H:%M}-{end:%H:%M}{waits[0]}: hãy chọn giờ khác.",
            f"The airing {at:%H:%M} on {at:%d/%m/%Y} overlaps '{other.title}' "
            f"{start:%H:%M}-{end:%H:%M}{waits[1]}: choose another time.",
            blocking=blocking,
        ),
        "with": {
            "schedule_id": other.id,
            "title": other.title,
            "starts_at": rfc3339(busy.starts_at),
            "ends_at": rfc3339(busy.ends_at),
        },
    }


def _loses(subject: Subject, each: Due, busy: Busy, other: Schedule, loss: Loss) -> dict[str, Any]:
    """What the lower class loses to the higher, said before saving; it forbids nothing."""
    at = to_local(each.starts_at, zone(subject.timezone))
    vi, en = EFFECTS[loss.effect]
    this, that = ("lịch này", "this schedule"), (f"«{other.title}»", f"'{other.title}'")
    loser, winner = (this, that) if loss.loser == "this" else (that, this)
    return {
        **_clash(subject, each, busy, other, blocking=False),
        "rule": "priority",
        "effect": loss.effect,
        "loser": loss.loser,
        "vi": f"Lượt {at:%H:%M} ngày {at:%d/%m/%Y}: {winner[0]} được ưu tiên, {loser[0]} {vi}.",
        "en": f"At {at:%H:%M} on {at:%d/%m/%Y} {winner[1]} has priority, {loser[1]} {en}.",
    }


def _conflict(
    each: Any, kind: str, rule: str, vi: str, en: str, *, blocking: bool = False
) -> dict[str, Any]:
    return {
        "airing": rfc3339(each.starts_at),
        "kind": kind,
        "rule": rule,
        "area": None,
        "vi": vi,
        "en": en,
        "with": None,
        "suggestion": None,
        "blocking": blocking,
    }


def topmost(area_ids: Iterable[str], tree: Tree) -> tuple[str, ...]:
    """These areas without those that lie below another of them."""
    chosen = set(area_ids)
    return tuple(sorted(a for a in chosen if chosen.isdisjoint(tree.path(a)[:-1])))
