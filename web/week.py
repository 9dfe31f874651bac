"""The weekly programme sheet: sessions by days, minutes used, lunar dates; moving an airing.

A server-rendered table that prints on one page. Dragging (src/week.ts) and the button «Chuyển…» do
the same: they send the airing's new local start.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.accounts.access import Action, may
from controller.api.here import Here, changing, looking
from controller.calendar.lunar import lunar_date
from controller.calendar.policy import Policy
from controller.calendar.recurrence import occurrences
from controller.calendar.wall import parse_local, to_utc
from controller.errors import BadInput, Conflict
from controller.models import Airing, Approval, Clip, Schedule
from controller.planning import airings, withholding
from controller.planning.airings import AiringView
from controller.planning.due import resolved
from controller.scheduling import schedule_edits, schedules
from controller.territory import areas
from web.broadcast import echo
from web.filters import calendar_day, here_zone, in_line, local, lunar_day, weekday_name
from web.forms import once
from web.i18n import _, sentence
from web.places import Places

bp = Blueprint("week", __name__, url_prefix="/week")

_MOST = 500
_WEEK = timedelta(days=7)
# The parts of the day as communes plan them: first hour, and where a dropped airing begins.
SESSIONS = ((4, "05:30"), (10, "11:00"), (14, "17:00"), (18, "19:00"))


@dataclass(frozen=True, slots=True)
class Card:
    """A broadcast on the sheet. `airing_id` empty: it waits for approval and has no airings yet."""

    title: str
    where: str
    starts_at: datetime
    ends_at: datetime
    topic: int
    schedule_id: str | None
    airing_id: str = ""
    movable: bool = False
    area_ids: tuple[str, ...] = ()
    clash: bool = False
    held_back: Sequence[dict[str, Any]] = ()  # the rules that forbid it by now, and where
    held_back_whole: bool = False

    @property
    def pending(self) -> bool:
        return not self.airing_id


@dataclass(frozen=True, slots=True)
class Cell:
    """One session of one day."""

    day: date
    session: int
    cards: list[Card] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        heard = (card for card in self.cards if not card.held_back_whole)
        spans = (card.ends_at - card.starts_at for card in heard)
        return round(sum(spans, start=timedelta()).total_seconds() / 60)


@dataclass(frozen=True, slots=True)
class Day:
    """A column's head: the date, and the day of the lunar calendar under it."""

    day: date
    name: str
    lunar: str
    special: bool  # the 1st or the 15th
    today: bool
    minutes: int


@bp.get("/")
def page() -> str:
    """The week of `from` (any of its days); without it, this week."""
    with looking() as at:
        first = _monday(request.args.get("from", ""), local(at.now).date())
        cards = _marked(at, [*_airings(at, first), *_pending(at, first)])
        policy = areas.effective(at.session, at.actor.area_id).policy if at.actor.area_id else None
        return render_template(
            "week/page.html",
            live=True,
            days=[_day(first + timedelta(days=i), local(at.now).date(), cards) for i in range(7)],
            most_day=(policy or Policy()).max_minutes_per_day,
            today=local(at.now).date(),
            rows=[(number, _row(cards, first, number)) for number in range(len(SESSIONS))],
            first=first,
            most=(policy or Policy()).max_minutes_per_session,
            now=at.now,
            starts=[start for _hour, start in SESSIONS],
            timedelta=timedelta,
        )


@bp.get("/move/<airing_id>")
def move_form(airing_id: str) -> str:
    """The button's way: a new day and time for one airing."""
    with looking() as at:
        airing = airings.get(at.session, at.actor, airing_id)
        starts = local(airing.starts_at)
        values = {"date": f"{starts:%Y-%m-%d}", "time": f"{starts:%H:%M}"}
        return _move_page(at, airing, values, "")


@bp.post("/move/<airing_id>")
@once
def move(airing_id: str) -> Response | tuple[str, int]:
    """Move it, and offer the way back."""
    values = {name: request.form.get(name, "") for name in ("date", "time")}
    starts = f"{values['date']}T{values['time']}"
    try:
        with changing() as at:
            before = airings.get(at.session, at.actor, airing_id).starts_at
            moved = schedule_edits.move(at.session, at.actor, airing_id, starts, at.now)
    except (BadInput, Conflict) as refusal:
        return _refused(airing_id, values, _in_full(refusal)), refusal.status
    to = local(moved.starts_at)
    day = in_line(weekday_name(to.isoweekday()))
    flash(_("Đã chuyển sang %(day)s %(date)s lúc %(clock)s.", day=day, date=f"{to:%d/%m}",
            clock=f"{to:%H:%M}"), "good")  # fmt: skip
    undo = local(before)
    back = {"undo": airing_id, "date": f"{undo:%Y-%m-%d}", "time": f"{undo:%H:%M}"}
    return redirect(_address(to, **back))


@bp.post("/leave-out/<airing_id>")
@once
def leave_out(airing_id: str) -> Response:
    """Take this one airing off; the others stay."""
    with changing() as at:
        airing = schedule_edits.leave_out(at.session, at.actor, airing_id, at.now)
    flash(_("Đã bỏ lượt phát này. Các lượt khác vẫn giữ."), "good")
    return redirect(_address(local(airing.starts_at)))


def _address(day: datetime, **more: str) -> str:
    """The week a day lies in."""
    asked: dict[str, Any] = {"from": f"{day:%Y-%m-%d}", **more}
    return url_for("week.page", **asked)


def _refused(airing_id: str, values: dict[str, str], wrong: str) -> str:
    with looking() as at:
        airing = airings.get(at.session, at.actor, airing_id)
        return _move_page(at, airing, values, wrong)


def _move_page(at: Here, airing: Airing, values: dict[str, str], wrong: str) -> str:
    schedule = at.session.get(Schedule, airing.schedule_id) if airing.schedule_id else None
    rule = schedule.rule if schedule else {}
    return render_template(
        "week/move.html",
        airing=airing,
        values=values,
        wrong=wrong,
        repeats=bool(rule.get("recurrence") or rule.get("day_set")),
        may_move=_may_move(at, Places(at.session, at.actor), [a.area_id for a in airing.areas]),
        echo=echo(values["date"], values["time"]),
    )


def _in_full(refusal: BadInput | Conflict) -> str:
    """What is wrong, and the nearest free start where one was found."""
    found = getattr(refusal, "conflicts", None) or [{}]
    text = found[0].get("suggestion")
    if not text:
        return sentence(refusal)
    at = local(datetime.fromisoformat(text))
    free = _("Giờ trống gần nhất: %(clock)s %(day)s (%(lunar)s).", clock=f"{at:%H:%M}",
             day=f"{at:%d/%m}", lunar=lunar_day(at.date()))  # fmt: skip
    return f"{sentence(refusal)} {free}"


def _monday(text: str, today: date) -> date:
    chosen = calendar_day(text) or today
    return chosen - timedelta(days=chosen.weekday())


def _span(first: date) -> tuple[datetime, datetime]:
    start = datetime.combine(first, time())
    return to_utc(start, here_zone()), to_utc(start + _WEEK, here_zone())


def _airings(at: Here, first: date) -> list[Card]:
    from_, until = _span(first)
    found = airings.page(
        at.session, at.actor, now=at.now, from_=from_, until=until, limit=_MOST
    ).items
    places = Places(at.session, at.actor)
    topics = _topics(at, [view.airing.schedule_id for view in found])
    return [_card(at, view, places, topics) for view in found]


def _card(at: Here, view: AiringView, places: Places, topics: dict[str, int]) -> Card:
    airing: Airing = view.airing
    mine = places.own is None or places.own.issuperset(view.area_ids)
    ahead = airing.schedule_id is not None and airing.starts_at > at.now
    return Card(
        title=airing.title,
        where=places.names(view.area_ids),
        starts_at=airing.starts_at,
        ends_at=airing.ends_at,
        topic=topics.get(airing.schedule_id or "", 6),
        schedule_id=airing.schedule_id,
        airing_id=airing.id,
        area_ids=tuple(view.area_ids),
        held_back=withholding.reasons(airing),
        held_back_whole=airing.withheld is not None,
        movable=mine and ahead and _may_move(at, places, view.area_ids),
    )


def _may_move(at: Here, places: Places, area_ids: Sequence[str]) -> bool:
    """Whether the visitor may change one airing alone: it needs whoever could approve it."""
    wants = any(places.tree.effective(a).policy.approval.schedule for a in area_ids)
    return may(at.actor, Action.APPROVE if wants else Action.SCHEDULE)


def _pending(at: Here, first: date) -> list[Card]:
    """What would air this week once it is approved."""
    from_, until = _span(first)
    places = Places(at.session, at.actor)
    waiting = schedules.page(at.session, at.actor, status=Approval.PENDING, limit=50).items
    cards: list[Card] = []
    for schedule in waiting:
        area_ids = [area.area_id for area in schedule.areas]
        try:
            rule = resolved(schedule.rule, schedule.timezone, area_ids, places.tree)
        except BadInput:  # a set of days that its area no longer keeps
            continue
        starts = parse_local(schedule.starts_local, "starts_at")
        found = occurrences(rule, schedule.timezone, starts, max(from_, at.now), until)
        cards += [_waiting(at, schedule, each.starts_at, places) for each in found]
    return cards


def _waiting(at: Here, schedule: Schedule, starts_at: datetime, places: Places) -> Card:
    clips = [at.session.get_one(Clip, item.clip_id) for item in schedule.programme.items]
    length = sum(clip.versions[-1].duration_ms for clip in clips)
    return Card(
        title=schedule.title,
        where=places.names([area.area_id for area in schedule.areas]),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(milliseconds=length),
        topic=clips[0].topic if clips else 6,
        schedule_id=schedule.id,
        area_ids=tuple(area.area_id for area in schedule.areas),
    )


def _marked(at: Here, cards: list[Card]) -> list[Card]:
    """The same, those that sound at once in one place marked."""
    tree = Places(at.session, at.actor).tree
    around = {each: tree.around([each]) for card in cards for each in card.area_ids}

    def clash(one: Card, other: Card) -> bool:
        if one.held_back_whole or other.held_back_whole:
            return False
        together = one.starts_at < other.ends_at and other.starts_at < one.ends_at
        return together and any(b in around[a] for a in one.area_ids for b in other.area_ids)

    return [
        replace(card, clash=any(clash(card, each) for each in cards if each is not card))
        for card in cards
    ]


def _topics(at: Here, schedule_ids: Sequence[str | None]) -> dict[str, int]:
    """Schedule id → the content area of its first clip, which colours its cards."""
    found: dict[str, int] = {}
    for schedule_id in {each for each in schedule_ids if each}:
        items = at.session.get_one(Schedule, schedule_id).programme.items
        if items:
            found[schedule_id] = at.session.get_one(Clip, items[0].clip_id).topic
    return found


def _row(cards: list[Card], first: date, number: int) -> list[Cell]:
    cells = [Cell(first + timedelta(days=i), number) for i in range(7)]
    for card in sorted(cards, key=lambda each: each.starts_at):
        starts = local(card.starts_at)
        place = (starts.date() - first).days
        if 0 <= place < 7 and _session(starts.hour) == number:
            cells[place].cards.append(card)
    return cells


def _session(hour: int) -> int:
    # What airs in the small hours stands with the evening: it must not be overlooked.
    return max((i for i, (first, _at) in enumerate(SESSIONS) if hour >= first), default=3)


def _day(day: date, today: date, cards: list[Card]) -> Day:
    lunar = lunar_date(day)
    special = lunar.day in (1, 15)
    names = {1: _("mùng một"), 15: _("rằm")}
    text = names.get(lunar.day) or f"{lunar.day}/{lunar.month}"
    heard = (card for card in cards if not card.held_back_whole)
    spans = (c.ends_at - c.starts_at for c in heard if local(c.starts_at).date() == day)
    minutes = round(sum(spans, start=timedelta()).total_seconds() / 60)
    return Day(day, weekday_name(day.isoweekday()), text, special, day == today, minutes)
