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

GAP_S = 3  # between two sounds, unless another pause is chosen
_LONGEST_GAP_S = 600
_MOST_TIMES = 20
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
    chosen, gap_s = form.getlist("clips"), _gap_s(form)
    times = [_times(form.get(f"times-{clip_id}", "1")) for clip_id in chosen]
    last = len(chosen) - 1
    return [
        ItemInput(clip_id, times[i], gap_s if times[i] > 1 or i < last else 0)
        for i, clip_id in enumerate(chosen)
    ]


def _times(text: str) -> int:
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MOST_TIMES else 1


def _gap_s(form: MultiDict[str, str]) -> float:
    """Seconds; «keep», of a programme whose pauses differ, is for what is added to it."""
    try:
        chosen = float(form.get("gap", GAP_S))
    except ValueError:
        return GAP_S
    return chosen if 0 <= chosen <= _LONGEST_GAP_S else GAP_S


def _sound(parts: list[Part]) -> Response:
    if not parts:
        raise NotFound("clip")
    path = previews.of_parts(services().store, parts)
    answer = send_file(path, mimetype="audio/mpeg", conditional=True)
    answer.headers["Cache-Control"] = "private, max-age=300"
    return answer
