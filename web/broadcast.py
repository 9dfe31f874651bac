"""New broadcast: what, where, when; checked against rules and clashes before it is sent.

One form in three steps. Every change asks the server for the summary below it (without scripts,
a button does); sending creates the schedule, which then waits for approval or airs.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from controller.accounts.access import Action, require_role
from controller.api.here import Here, changing, looking
from controller.errors import BadInput, Conflict, NotFound
from controller.fleet import nodes
from controller.library import clips
from controller.library.clips import ClipFilters
from controller.models import Airing, Approval, Clip, Schedule, Tune
from controller.planning import airings
from controller.scheduling import following, schedule_edits, schedules
from controller.scheduling.drafts import topmost
from controller.scheduling.proposals import as_entered
from controller.scheduling.schedule_input import rule_json
from controller.scheduling.schedules import Draft, ScheduleInput
from controller.words import TUNES
from web.entering import form_of, gap_of, input_of
from web.filters import about, local, lunar_day, session_name, weekday_name
from web.forms import once
from web.i18n import _, sentence
from web.listening import GAP_S
from web.places import Places
from web.recurring import KEEP, REPEATS, season_rows
from web.repeat_words import days_in_words, in_words

bp = Blueprint("broadcast", __name__, url_prefix="/broadcasts")
Form = MultiDict[str, str]

_MOST_CLIPS = 200
_GAPS_S = ("0", "3", "5", "10", "20", "30", "60", "120")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen: the sentence, and what speaks against it."""

    sentence: str
    draft: Draft
    listen: str  # where the programme can be heard

    @property
    def free(self) -> datetime | None:
        """The nearest time at which nothing forbids the first airing that cannot be as it is."""
        return next((at for each in self.draft.blocking if (at := self.free_of(each))), None)

    def free_of(self, conflict: dict[str, Any]) -> datetime | None:
        """The nearest free start for the airing of a conflict."""
        text = conflict.get("suggestion")
        return datetime.fromisoformat(text) if text else None


@bp.get("/new")
def form() -> str:
    """An empty form; `clip` in the address picks one, `date` and `time` set the start.

    `edit` names a schedule to change; `from` the airing from which on it changes; `copy` one to
    make another like.
    """
    with looking() as at:
        require_role(at.actor, Action.SCHEDULE)
        changed = _changed(at, request.args)
        if changed:
            return _form(at, form_of(_entered(at, changed, request.args)), {}, None)
        copied = _copied(at, request.args)
        if copied:
            return _form(at, _from_tomorrow(at, form_of(as_entered(copied))), {}, None)
        values = _defaults(at)
        if "time" not in request.args:
            values = _free(at, values)
        return _form(at, values, {}, None)


@bp.post("/check")
def check() -> str | tuple[str, int]:
    """The summary for what is entered so far; the whole page where scripts are off."""
    with looking() as at:
        require_role(at.actor, Action.SCHEDULE)
        form = Places(at.session, at.actor).narrowed(_moved(request.form))
        errors, outlook = _look(at, form)
        if request.headers.get("HX-Request"):
            return render_template("broadcast/summary.html", errors=errors, outlook=outlook)
        return _form(at, form, errors, outlook)


@bp.get("/day")
def day() -> str:
    """The weekday, the lunar date and the part of the day of what is typed, to read beside it.

    The date comes under the name of the field it is typed in.
    """
    dates = (request.args.get(name, "") for name in ("date", "until", "valid_until", "from", "to"))
    moment, _t, clock = next((each for each in dates if each), "").partition("T")
    return echo(moment, request.args.get("time", clock))


def echo(date_text: str, time_text: str) -> str:
    """Thứ 2, rằm tháng 10 âm lịch · 17:05 chiều; empty for what is no date."""
    try:
        chosen = date.fromisoformat(date_text)
        hour = int(time_text[:2] or -1)
        lunar = lunar_day(chosen)
    except (ValueError, OverflowError, BadInput):  # no date, or beyond the lunar table
        return ""
    text = f"{weekday_name(chosen.isoweekday())}, {lunar}"
    return f"{text} · {time_text[:5]} ({session_name(hour)})" if 0 <= hour < 24 else text


def _moved(form: Form) -> Form:
    """The form with the suggested start taken over, where that button was pressed."""
    date_text, _t, time_text = form.get("use", "").partition("T")
    if not time_text:
        return form
    changed = form.copy()
    changed["date"], changed["time"] = date_text, time_text
    return changed


@bp.post("/new")
@once
def send() -> Response | str | tuple[str, int]:
    """Create the schedule. What forbids it is shown with the form as it was."""
    try:
        with changing() as at:
            form = Places(at.session, at.actor).narrowed(request.form)
            changed = _changed(at, form)
            before = changed or _copied(at, form)
            data = input_of(form, as_entered(before) if before else None)
            if changed and request.form.get("from"):
                schedule, _draft = following.change(
                    at.session, at.actor, request.form["from"], data, at.now
                )
            elif changed:
                schedule, _draft = schedule_edits.update(
                    at.session, at.actor, changed.id, data, at.now
                )
            else:
                schedule, _draft = schedules.create(at.session, at.actor, data, at.now)
            waits = schedule.status != Approval.APPROVED or schedule.proposal is not None
    except (BadInput, Conflict) as refusal:
        with looking() as at:
            form = Places(at.session, at.actor).narrowed(request.form)
            errors, outlook = _look(at, form)
            errors = errors or {"conflict": sentence(refusal)}
            return _form(at, form, errors, outlook), refusal.status
    if changed and waits:
        flash(_("Đã gửi duyệt thay đổi. Lịch cũ vẫn phát cho đến khi được duyệt."), "good")
    elif waits:
        flash(_("Đã gửi duyệt. Lịch phát khi người duyệt đồng ý."), "good")
    elif changed:
        flash(_("Đã sửa lịch phát. Các cụm loa đang nhận lịch."), "good")
    else:
        flash(_("Đã tạo lịch phát. Các cụm loa đang nhận lịch."), "good")
    return redirect(url_for("schedules.detail", schedule_id=schedule.id))


def _look(at: Here, form: Form) -> tuple[dict[str, str], Outlook | None]:
    """What is wrong with the fields, else what the schedule would do."""
    try:
        changed = _changed(at, form)
        before = changed or _copied(at, form)
        data = input_of(form, as_entered(before) if before else None)
        if changed and form.get("from"):
            draft = following.draft(at.session, at.actor, form["from"], data, at.now)
        elif changed:
            draft = schedule_edits.draft(at.session, at.actor, changed.id, data, at.now)
        else:
            draft = schedules.draft(at.session, at.actor, data, at.now)
    except BadInput as error:
        return {_field(name): sentence(pair) for name, pair in error.errors.items()}, None
    except NotFound as error:
        return {"area_ids": sentence(error)}, None
    except Conflict as error:  # what has begun is not changed
        return {"conflict": sentence(error)}, None
    listen = url_for("listening.of_choice", **_programme(form))
    return {}, Outlook(_summary(at, data, draft), draft, listen)


def _changed(at: Here, asked: Form) -> Schedule | None:
    """The schedule that the form changes; None: it makes a new one."""
    if not asked.get("edit"):
        return None
    return schedules.get(at.session, at.actor, asked["edit"], Action.SCHEDULE)


def _copied(at: Here, asked: Form) -> Schedule | None:
    """The schedule that a new one is made like; None: it is made from nothing."""
    if not asked.get("copy"):
        return None
    return schedules.get(at.session, at.actor, asked["copy"], Action.SCHEDULE)


def _from_tomorrow(at: Here, values: Form) -> Form:
    """The form with its first day moved out of the past."""
    tomorrow = local(at.now) + timedelta(days=1)
    values["date"] = max(values["date"], f"{tomorrow:%Y-%m-%d}")
    return values


def _entered(at: Here, changed: Schedule, asked: Form) -> ScheduleInput:
    """The schedule that is changed, wholly or from one of its airings on."""
    if not asked.get("from"):
        return as_entered(changed)
    airing = airings.get(at.session, at.actor, asked["from"])
    if airing.schedule_id != changed.id:
        raise NotFound("airing")
    return following.entered_from(at.session, airing, changed)


def _programme(form: Form) -> dict[str, Any]:
    """What of the form says how the programme sounds."""
    clip_ids = form.getlist("clips")
    times = {f"times-{each}": form.get(f"times-{each}", "1") for each in clip_ids}
    gap = form.get("gap", str(GAP_S))
    return {"clips": clip_ids, "tune": form.get("tune", ""), "gap": gap, **times}


def _field(name: str) -> str:
    return {"recurrence": "repeat", "starts_at": "date"}.get(name, name)


def _summary(at: Here, data: ScheduleInput, draft: Draft) -> str:
    """One sentence an official can read out: what, when, where, how long, how often."""
    places = Places(at.session, at.actor)
    clusters = len(nodes.nodes_in(at.session, data.area_ids, at.now))
    first = draft.occurrences[0] if draft.occurrences else None
    seconds = (first.ends_at - first.starts_at).total_seconds() if first else 0
    text = _(
        "Phát «%(title)s» lúc %(when)s, tại %(where)s (%(clusters)s cụm loa), mỗi lượt khoảng "
        "%(length)s.",
        title=data.title,
        when=in_words(str(data.starts_at), rule_json(data), places.day_sets()),
        where=places.names(topmost(data.area_ids, places.tree)),
        clusters=clusters,
        length=about(seconds),
    )
    gap = gap_of(data.items)
    if gap in (KEEP, str(GAP_S)):
        return text
    return " ".join([text, _("Giữa các lần nghỉ %(seconds)s giây.", seconds=gap)])


def _defaults(at: Here) -> Form:
    """Tomorrow's morning session, the first tune, and the whole of the visitor's own area."""
    tomorrow = local(at.now) + timedelta(days=1)
    tunes = _tunes(at)
    values = MultiDict(
        {
            "date": request.args.get("date") or f"{tomorrow:%Y-%m-%d}",
            "time": request.args.get("time") or "05:30",
            "repeat": "once",
            "class": "normal",
            "tune": tunes[0][0].name if tunes else "",
            "gap": str(GAP_S),
        }
    )
    clip_id = request.args.get("clip", "")
    if clip_id:
        clip = clips.get(at.session, at.actor, clip_id)
        values.add("clips", clip.id)
        values["title"] = clip.title
    if at.actor.area_id:
        values.add("area_ids", at.actor.area_id)
        values["unasked"] = at.actor.area_id
    return values


def _free(at: Here, values: Form) -> Form:
    """The usual start, or the free time nearest to it where that is taken."""
    _errors, outlook = _look(at, values)
    if outlook is None or outlook.free is None:
        return values
    start = local(outlook.free)
    values["date"], values["time"] = f"{start:%Y-%m-%d}", f"{start:%H:%M}"
    return values


def _form(at: Here, values: Form, errors: dict[str, str], outlook: Outlook | None) -> str:
    places, changed = Places(at.session, at.actor), _changed(at, request.values)
    copied = None if changed else _copied(at, request.values)
    source, sets = changed or copied, places.day_sets()
    context: dict[str, Any] = {
        "clips": _choices(at, values),
        "areas": places.listed(),
        "day_sets": sets,
        "seasons": season_rows(values),
        "gaps": _gaps(values),
        "tunes": _tunes(at),
        "repeats": REPEATS,
        "values": values,
        "errors": errors,
        "outlook": outlook,
        "today": min(f"{local(at.now):%Y-%m-%d}", values.get("date") or "9"),
        "changed": changed,
        "copied": copied,
        "kept": _kept(source, sets) if source else "",
        "from_airing": _from_airing(at, request.values),
        "echo": echo(values.get("date", ""), values.get("time", "")),
    }
    return render_template("broadcast/page.html", **context)


def _kept(source: Schedule, day_sets: dict[str, str]) -> str:
    """How the schedule that is changed or copied repeats, in words; empty: it does not."""
    return days_in_words(source.rule, source.starts_local, day_sets)


def _gaps(values: Form) -> list[str]:
    """The pauses to choose from, with the one that is."""
    chosen = values.get("gap", str(GAP_S))
    more = {chosen} if re.fullmatch(r"\d{1,3}(\.\d+)?", chosen) else set()
    return sorted({*_GAPS_S, *more}, key=float)


def _from_airing(at: Here, asked: Form) -> Airing | None:
    return airings.get(at.session, at.actor, asked["from"]) if asked.get("from") else None


def _choices(at: Here, values: Form) -> list[Clip]:
    """Clips that air or wait to; those chosen first, in their order."""
    found = clips.page(at.session, at.actor, ClipFilters(), now=at.now, limit=_MOST_CLIPS).items
    usable = [
        view.clip
        for view in found
        if view.on_air is not None or view.newest.status == Approval.PENDING
    ]
    chosen = values.getlist("clips")
    first = {clip_id: i for i, clip_id in enumerate(chosen)}
    return sorted(usable, key=lambda clip: first.get(clip.id, len(first)))


def _tunes(at: Here) -> list[tuple[Tune, str]]:
    """The signature tunes with their names; alert tones open no ordinary broadcast."""
    made = {tune.name: tune for tune in at.session.scalars(select(Tune))}
    return [
        (made[name], sentence(tune))
        for name, tune in TUNES.items()
        if tune.use == "signature" and name in made
    ]
