"""The clip editor: choose on the original's waveform what is kept; undo brings all of it back.

The original is never changed. Each cut makes a new version out of it, which waits for approval
like any other; without scripts the two marks are two fields.
"""

from flask import Blueprint, Response, flash, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as Answer

from controller.accounts.access import Action, require
from controller.api.here import Here, current_actor, looking, services
from controller.errors import BadInput
from controller.library import clips, previews
from controller.library.clips import Trim
from controller.models import Clip
from controller.words import AudioError
from web.forms import once
from web.i18n import _, sentence
from web.working import arrived, following

bp = Blueprint("editor", __name__, url_prefix="/clips")


@bp.get("/<clip_id>/edit")
def page(clip_id: str) -> str:
    """The waveform with its two marks."""
    with looking() as at:
        return _page(at, clip_id, {}, "")


@bp.post("/<clip_id>/edit")
@once
def cut(clip_id: str) -> Answer | tuple[str, int]:
    """Keep what lies between the marks; `undo` takes the whole original again."""
    values = {name: request.form.get(name, "").strip() for name in ("start", "end")}
    with looking() as here:
        _editable(here, clip_id)
    undo = bool(request.form.get("undo"))
    at = services()
    try:
        trim = None if undo else Trim(_ms(values["start"]), _ms(values["end"]))
        with following() as work:
            clips.edit(
                at.engine,
                at.store,
                current_actor(),
                clip_id,
                trim,
                at.clock(),
                work.report,
                work.stopped,
            )
    except (BadInput, AudioError) as refusal:
        with looking() as here:
            return _page(here, clip_id, values, sentence(refusal)), 422
    if undo:
        flash(_("Đã bỏ các lần cắt: bản mới lấy lại từ bản gốc."), "good")
    else:
        flash(_("Đã cắt. Bản gốc vẫn giữ, muốn cắt lại lúc nào cũng được."), "good")
    return arrived(url_for("library.detail", clip_id=clip_id))


@bp.get("/<clip_id>/original")
def original(clip_id: str) -> Response:
    """The recording as it came, to listen to while choosing the marks."""
    with looking() as at:
        clip = _editable(at, clip_id)
        path = previews.of_original(services().store, clip.versions[-1])
    answer = send_file(path, mimetype="audio/mpeg", conditional=True)
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer


def _page(at: Here, clip_id: str, values: dict[str, str], wrong: str) -> str:
    clip = _editable(at, clip_id)
    newest = clip.versions[-1]
    made = previews.original_outline(services().store, newest)
    chosen = newest.edit or {}
    usual = {
        "start": f"{chosen.get('start_ms', 0) / 1000:.1f}",
        "end": f"{chosen.get('end_ms', made.duration_ms) / 1000:.1f}",
    }
    return render_template(
        "library/edit.html",
        clip=clip,
        newest=newest,
        original=made,
        values={name: values.get(name) or usual[name] for name in usual},
        wrong=wrong,
    )


def _editable(at: Here, clip_id: str) -> Clip:
    clip = clips.get(at.session, at.actor, clip_id)
    require(at.session, at.actor, Action.UPLOAD, clip.area_id)
    return clip


def _ms(seconds: str) -> int:
    try:
        return round(float(seconds.replace(",", ".")) * 1000)
    except (ValueError, OverflowError):
        raise BadInput(
            {
                "start": (
                    "Hãy ghi giây bắt đầu và giây kết thúc bằng số, như 1.5.",
                    "Write both marks in seconds, such as 1.5.",
                )
            }
        ) from None
