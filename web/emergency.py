"""Emergencies and drills, and stopping what sounds: the page with a look of its own.

Nothing is preselected between drill and real; the password is asked again; where policy wants two
people, a second user confirms. What runs is shown with how many clusters really sound.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from controller import database
from controller.accounts import people, second_factor
from controller.accounts.access import Action, require_role, visible_areas
from controller.api.here import Here, changing, looking, services
from controller.calendar.wall import as_utc
from controller.emergency import emergencies
from controller.emergency.emergencies import EmergencyInput, Repeat
from controller.errors import BadInput
from controller.fleet import nodes
from controller.library import clips
from controller.library.clips import ClipFilters
from controller.models import Airing, AiringArea, Emergency, User
from controller.planning import airings
from web import tally
from web.filters import here_zone
from web.forms import once
from web.i18n import _, ngettext, sentence
from web.limits import limited
from web.places import Places
from web.sessions import proof_needed, signed_in
from web.tally import Tally

bp = Blueprint("emergency", __name__, url_prefix="/emergency")
Form = MultiDict[str, str]

_MOST_CLIPS = 200
_REPEATS = ((1, 0), (2, 300), (3, 300), (6, 1200), (6, 1800))  # times, seconds between
_SHOWN_FOR = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Running:
    """An emergency as the page shows it: its soundings, and how the clusters did so far."""

    emergency: Emergency
    where: str
    soundings: list[Airing]
    heard: Tally
    clusters: int
    by: str
    mine: bool  # the visitor gave it, so another person must confirm
    deputy: str  # who may confirm alone after a while; empty for nobody
    stands_in: bool  # the visitor is that one, and the while has passed

    @property
    def unheard(self) -> int:
        """Clusters that have not said yet whether they play."""
        return max(0, self.clusters - self.heard.total)

    @property
    def state(self) -> str:
        return str(self.emergency.state)


def install(app: Flask) -> None:
    """Guessing the password again is slowed down like signing in."""
    limited(app, "emergency.begin")


@bp.get("/")
def page() -> str:
    """What runs, and the form for a new one."""
    with looking() as at:
        require_role(at.actor, Action.APPROVE)
        return _form(at, _first(at, request.args.get("after", "")), {})


@bp.get("/outlook")
def outlook() -> str:
    """What pressing the button would do, in one sentence; for the page to take in."""
    with looking() as at:
        require_role(at.actor, Action.APPROVE)
        own = {area.id for area, _depth in Places(at.session, at.actor).listed()}
        area_ids = [each for each in request.args.getlist("area_ids") if each in own]
        if not area_ids:
            return _("Chưa chọn nơi nào.")
        clusters = len(nodes.nodes_in(at.session, area_ids, at.now))
        broken = _sounding_now(at, area_ids)
    kind = request.args.get("kind", "")
    words = {"drill": _("SẼ DIỄN TẬP NGAY"), "real": _("SẼ PHÁT NGAY")}
    text = _(
        "%(what)s tới %(clusters)s cụm loa",
        what=words.get(kind, _("Sẽ phát ngay")),
        clusters=clusters,
    )
    if broken:
        text += ", " + ngettext(
            "ngắt %(num)d lượt đang phát", "ngắt %(num)d lượt đang phát", broken
        )
    return text + "."


@bp.post("/")
@once
def begin() -> Response | tuple[str, int]:
    """Sound it, or let it wait for the second person."""
    form: Form = request.form
    try:
        _check(form)
        with changing() as at:
            form = Places(at.session, at.actor).narrowed(form)
            found = emergencies.begin(at.session, at.actor, _input(form), at.now)
    except BadInput as error:
        with looking() as at:
            errors = {name: sentence(pair) for name, pair in error.errors.items()}
            return _form(at, form, errors), 422
    return redirect(url_for("emergency.running", emergency_id=found.id))


@bp.get("/<emergency_id>")
def running(emergency_id: str) -> str:
    """How it goes: soundings, clusters, and the button that cancels it."""
    with looking() as at:
        emergency = emergencies.get(at.session, at.actor, emergency_id)
        places = Places(at.session, at.actor)
        each = _running(at, emergency, places)
        return render_template("emergency/running.html", live=True, each=each, now=at.now)


@bp.get("/<emergency_id>/live")
def parts(emergency_id: str) -> str:
    """What changes by itself."""
    with looking() as at:
        emergency = emergencies.get(at.session, at.actor, emergency_id)
        each = _running(at, emergency, Places(at.session, at.actor))
        return render_template("emergency/state.html", each=each, now=at.now)


@bp.post("/<emergency_id>/<any(confirm, cancel):verb>")
@once
def decide(emergency_id: str, verb: str) -> Response:
    """The second person's yes, or anybody's who may approve: stop it."""
    with changing() as at:
        getattr(emergencies, verb)(at.session, at.actor, emergency_id, at.now)
    if verb == "cancel":
        flash(
            _("Đã hủy lệnh phát. Nếu bà con đã nghe, hãy phát tin báo an hoặc đính chính."), "good"
        )
    return redirect(url_for("emergency.running", emergency_id=emergency_id))


@bp.post("/stop")
@once
def stop() -> Response:
    """Silence now what sounds in the chosen places; with a time, keep them silent until then."""
    until = request.form.get("until", "")
    with changing() as at:
        muted = as_utc(until, here_zone(), "until") if until else None
        area_ids = request.form.getlist("area_ids")
        emergencies.stop(at.session, at.actor, area_ids, at.now, mute_until=muted)
    flash(_("Đã dừng phát ở các nơi đã chọn."), "good")
    back = "today.page" if request.form.get("back") == "today" else "emergency.page"
    return redirect(url_for(back))


def _first(at: Here, after: str) -> Form:
    """The form as it opens; after an emergency, its places and the all-clear that stands ready."""
    values = Form()
    if not after:
        if at.actor.area_id:
            values.add("area_ids", at.actor.area_id)
            values["unasked"] = at.actor.area_id
        return values
    before = emergencies.get(at.session, at.actor, after)
    values.setlist("area_ids", before.area_ids)
    for words in ("báo an", "đính chính"):
        ready = clips.page(at.session, at.actor, ClipFilters(q=words), now=at.now).items
        found = next((view.clip.id for view in ready if view.on_air is not None), None)
        if found:
            values["clip_id"] = found
            break
    return values


def _sounding_now(at: Here, area_ids: list[str]) -> int:
    """How many airings an emergency there would cut off."""
    around = Places(at.session, at.actor).tree.around(area_ids)
    query = (
        select(func.count(Airing.id.distinct()))
        .join(AiringArea, AiringArea.airing_id == Airing.id)
        .where(
            Airing.starts_at <= at.now,
            Airing.ends_at > at.now,
            Airing.cancelled_at.is_(None),
            AiringArea.area_id.in_(around),
        )
    )
    return at.session.scalar(query) or 0


def _check(form: Form) -> None:
    """What only this page asks for: drill or real, said on purpose, and the password again."""
    if form.get("kind") not in ("drill", "real"):
        raise _bad("kind", "Hãy chọn diễn tập hay phát thật.", "Say whether it is a drill or real.")
    actor = signed_in()
    with database.transaction(services().engine) as session:
        user = session.get(User, actor.user_id) if actor and actor.user_id else None
        username = user.username if user else ""
        if people.authenticate(session, username, form.get("password", "")) is None:
            raise _bad(
                "password",
                "Mật khẩu chưa đúng: hãy nhập lại. Chưa có gì được phát.",
                "The password is not right: type it again. Nothing was played.",
            )
        at, who = services(), user.id if user else ""
        if proof_needed() and not second_factor.check(
            session, at.settings.factor_box, who, form.get("code", ""), at.clock()
        ):
            raise second_factor.wrong_code()


def _input(form: Form) -> EmergencyInput:
    chosen = form.get("repeat", "0")
    times, every_s = _REPEATS[int(chosen) if chosen in ("0", "1", "2", "3", "4") else 0]
    return EmergencyInput(
        clip_id=form.get("clip_id", ""),
        area_ids=form.getlist("area_ids"),
        drill=form.get("kind") == "drill",
        repeat=Repeat(times, every_s or 300),
    )


def _form(at: Here, values: Form, errors: dict[str, str]) -> str:
    places = Places(at.session, at.actor)
    found = clips.page(at.session, at.actor, ClipFilters(), now=at.now, limit=_MOST_CLIPS).items
    context: dict[str, Any] = {
        "ready": [view.clip for view in found if view.on_air is not None],
        "areas": places.listed(),
        "repeats": _REPEATS,
        "values": values,
        "errors": errors,
        "running": [_running(at, each, places) for each in _current(at)],
        "ask_code": proof_needed(),
    }
    return render_template("emergency/page.html", **context)


def _current(at: Here) -> list[Emergency]:
    """Those of the visitor's areas that wait, sound, or were cancelled a moment ago."""
    own = visible_areas(at.session, at.actor)
    found = emergencies.running(at.session, at.now)
    return [each for each in found if own is None or own.issuperset(each.area_ids)]


def _running(at: Here, emergency: Emergency, places: Places) -> Running:
    query = select(Airing).where(Airing.emergency_id == emergency.id).order_by(Airing.starts_at)
    soundings = list(at.session.scalars(query))
    counts = tally.of_airings(at.session, [airing.id for airing in soundings])
    begun = [each for each in soundings if each.starts_at <= at.now and _sounded(each)]
    latest = begun[-1:] or soundings[:1]
    waiting = str(emergency.state) == "waiting"
    deputy = emergencies.deputy_of(at.session, emergency) if waiting else None
    author = at.session.get(User, emergency.created_by) if emergency.created_by else None
    return Running(
        emergency=emergency,
        where=places.names(emergency.area_ids),
        soundings=soundings,
        heard=counts.get(latest[0].id, Tally()) if latest else Tally(),
        clusters=len(airings.targets(at.session, latest[0])) if latest else 0,
        by=author.name if author else "",
        mine=emergency.created_by == at.actor.user_id,
        deputy=deputy.name if deputy else "",
        stands_in=emergencies.may_stand_in(at.session, at.actor, emergency, at.now),
    )


def _sounded(airing: Airing) -> bool:
    """Whether it began before it was cancelled."""
    return airing.cancelled_at is None or airing.cancelled_at > airing.starts_at


def recent(at: Here) -> list[Running]:
    """What Today must show above all else."""
    places = Places(at.session, at.actor)
    since: datetime = at.now - _SHOWN_FOR
    return [
        _running(at, each, places)
        for each in _current(at)
        if str(each.state) in ("waiting", "active") and each.created_at > since
    ]


def _bad(field: str, vi: str, en: str) -> BadInput:
    return BadInput({field: (vi, en)})
