"""Schedules: the list, one schedule with its coming airings, and pausing or removing it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from controller.accounts.access import Action, may, visible_areas
from controller.api.here import Here, changing, looking
from controller.calendar.recurrence import occurrences
from controller.calendar.wall import parse_local
from controller.errors import BadInput
from controller.models import Airing, Approval, Clip, Schedule
from controller.planning import airings, withholding
from controller.planning.airings import Readiness
from controller.planning.due import resolved
from controller.scheduling import approvals, proposals, schedules
from controller.scheduling.schedule_input import rule_json
from web.forms import once
from web.i18n import _
from web.places import Places
from web.repeat_words import in_words, repeats

bp = Blueprint("schedules", __name__, url_prefix="/schedules")

_AHEAD = timedelta(days=60)
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What a schedule on the air would become once somebody agrees."""

    title: str
    where: str
    when: str
    clips: list[Clip]


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule as pages show it. `next_at` None: nothing ahead within sixty days."""

    schedule: Schedule
    where: str
    when: str
    clips: list[Clip]
    next_at: datetime | None
    editable: bool
    change: Change | None = None

    @property
    def repeats(self) -> bool:
        """Whether it airs more than once; else `when` says its only day."""
        return repeats(self.schedule.rule)

    @property
    def state(self) -> str:
        """pending, approved, rejected, withdrawn or paused."""
        approved = self.schedule.status == Approval.APPROVED
        return "paused" if approved and self.schedule.paused_at else str(self.schedule.status)


@bp.get("/")
def page() -> str:
    """Newest first, a page at a time."""
    with looking() as at:
        found = schedules.page(
            at.session, at.actor, limit=30, cursor=request.args.get("cursor") or None
        )
        places = Places(at.session, at.actor)
        entries = [entry_of(at, schedule, places) for schedule in found.items]
        return render_template("schedules/page.html", entries=entries, found=found)


@bp.get("/<schedule_id>")
def detail(schedule_id: str) -> str:
    """What airs, where, when; the coming airings with their readiness."""
    with looking() as at:
        schedule = schedules.get(at.session, at.actor, schedule_id)
        entry = entry_of(at, schedule, Places(at.session, at.actor))
        return render_template(
            "schedules/detail.html",
            entry=entry,
            coming=_coming(at, schedule),
            reasons=withholding.reasons,
            now=at.now,
            may_decide=may(at.actor, Action.APPROVE) and entry.editable,
        )


@bp.post("/<schedule_id>/<any(pause, resume, delete):verb>")
@once
def change(schedule_id: str, verb: str) -> Response:
    """Pause it, let it go on, or remove it."""
    done = {
        "pause": _("Đã tạm dừng. Lịch không phát cho đến khi bạn cho phát tiếp."),
        "resume": _("Lịch phát tiếp từ bây giờ."),
        "delete": _("Đã xóa lịch. Nhật ký các lượt đã phát vẫn còn."),
    }
    with changing() as at:
        getattr(schedules, verb)(at.session, at.actor, schedule_id, at.now)
    flash(done[verb], "good")
    if verb == "delete":
        return redirect(url_for("schedules.page"))
    return redirect(url_for("schedules.detail", schedule_id=schedule_id))


@bp.post("/<schedule_id>/<any(approve, reject):verb>")
@once
def decide(schedule_id: str, verb: str) -> Response:
    """Put it on the air, or give it back with a reason."""
    note = request.form.get("note", "").strip()[:2000]
    with changing() as at:
        if verb == "approve":
            approvals.approve_schedule(at.session, at.actor, schedule_id, at.now, note)
        else:
            approvals.reject_schedule(at.session, at.actor, schedule_id, at.now, note)
    if verb == "approve":
        flash(_("Đã duyệt. Các cụm loa đang nhận lịch."), "good")
    else:
        flash(_("Đã trả lại cho người tạo."), "good")
    if request.form.get("back"):
        return redirect(url_for("approvals.page"))
    return redirect(url_for("schedules.detail", schedule_id=schedule_id))


def entry_of(at: Here, schedule: Schedule, places: Places) -> Entry:
    """A schedule with its names, words and next airing."""
    area_ids = [area.area_id for area in schedule.areas]
    own = visible_areas(at.session, at.actor)
    clips = [at.session.get_one(Clip, item.clip_id) for item in schedule.programme.items]
    return Entry(
        schedule=schedule,
        where=places.names(area_ids),
        when=in_words(
            str(proposals.as_entered(schedule).starts_at), schedule.rule, places.day_sets()
        ),
        clips=clips,
        next_at=_next(schedule, area_ids, places, at.now),
        editable=may(at.actor, Action.SCHEDULE) and (own is None or set(area_ids) <= own),
        change=_change(at, schedule, places),
    )


def _change(at: Here, schedule: Schedule, places: Places) -> Change | None:
    data = proposals.wanted(schedule)
    if data is None:
        return None
    return Change(
        title=data.title,
        where=places.names(data.area_ids),
        when=in_words(str(data.starts_at), rule_json(data), places.day_sets()),
        clips=[at.session.get_one(Clip, item.clip_id) for item in data.items],
    )


def _next(
    schedule: Schedule, area_ids: list[str], places: Places, now: datetime
) -> datetime | None:
    try:
        rule = resolved(schedule.rule, schedule.timezone, area_ids, places.tree)
    except BadInput:  # a set of days that its area no longer keeps
        return None
    starts = parse_local(schedule.starts_local, "starts_at")
    found = occurrences(rule, schedule.timezone, starts, now, now + _AHEAD)
    return next((each.starts_at for each in found), None)


def _coming(at: Here, schedule: Schedule) -> list[tuple[Airing, Readiness]]:
    """The next airings of a schedule the visitor may see, and how ready they are."""
    query = (
        select(Airing)
        .where(
            Airing.schedule_id == schedule.id,
            Airing.ends_at > at.now,
            Airing.cancelled_at.is_(None),
        )
        .order_by(Airing.starts_at)
        .limit(_SHOWN)
    )
    found = at.session.scalars(query).all()
    return [(airing, airings.readiness(at.session, airing, at.now)) for airing in found]
