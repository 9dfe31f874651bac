"""A whole programme to listen to on this phone before villages hear it: tune, clips, pauses."""

from flask import Blueprint, Response, request, send_file
from werkzeug.datastructures import MultiDict

from controller.accounts.access import Action, require_role
from controller.api.here import Here, looking, services
from controller.errors import NotFound
from controller.library import clips, previews
from controller.library.previews import Part
from controller.scheduling import proposals, schedules
from controller.scheduling.schedules import ItemInput
from controller.territory import areas
from controller.words import AiringClass

bp = Blueprint("listening", __name__, url_prefix="/listen")

_GAP_S = 3
_MOST = 50


@bp.get("/schedule/<schedule_id>")
def of_schedule(schedule_id: str) -> Response:
    """What a schedule would sound like now; `change`: once its change is approved."""
    with looking() as at:
        schedule = schedules.get(at.session, at.actor, schedule_id)
        wanted = proposals.wanted(schedule) if request.args.get("change") else None
        if wanted:
            loaded = previews.load(at.session, _tune(at, wanted.tune), wanted.items)
        else:
            loaded = previews.of_schedule(at.session, schedule)
        parts = previews.programme_parts(loaded, at.now)
    return _sound(parts)


@bp.get("/programme")
def of_choice() -> Response:
    """The clips and the tune in the address, in that order."""
    with looking() as at:
        require_role(at.actor, Action.SCHEDULE)
        items = items_of(request.args)[:_MOST]
        for item in items:
            clips.get(at.session, at.actor, item.clip_id)
        loaded = previews.load(at.session, _tune(at, request.args.get("tune")), items)
        parts = previews.programme_parts(loaded, at.now)
    return _sound(parts)


def _tune(at: Here, name: str | None) -> str | None:
    """The tune's own name; "default" is what the visitor's area gives an ordinary broadcast."""
    if name != "default" or not at.actor.area_id:
        return name or None
    return areas.effective(at.session, at.actor.area_id).policy.tunes.get(AiringClass.NORMAL)


def items_of(form: MultiDict[str, str]) -> list[ItemInput]:
    """The programme's items as the form of a new broadcast names them."""

    def times(clip_id: str) -> int:
        text = form.get(f"times-{clip_id}", "1")
        return int(text) if text in ("1", "2", "3", "4", "5") else 1

    chosen = form.getlist("clips")
    last = len(chosen) - 1
    return [
        ItemInput(clip_id, times(clip_id), _GAP_S if times(clip_id) > 1 or i < last else 0)
        for i, clip_id in enumerate(chosen)
    ]


def _sound(parts: list[Part]) -> Response:
    if not parts:
        raise NotFound("clip")
    path = previews.of_parts(services().store, parts)
    answer = send_file(path, mimetype="audio/mpeg", conditional=True)
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer
