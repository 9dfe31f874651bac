"""The clip library: six content areas, search without accents, upload, one clip with its versions.

A refused recording is told beside the file field, in a sentence that says what to do.
"""

import secrets
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    session,
    url_for,
)
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as Answer

from controller.accounts.access import Action, may, require_role, visible_areas
from controller.api.audio import sound_of
from controller.api.here import Here, changing, current_actor, looking, services
from controller.api.multipart import label
from controller.emergency import ready_made
from controller.errors import BadInput, Conflict, NotFound
from controller.library import clips, previews
from controller.library.clips import ClipFilters, ClipView, UploadInput
from controller.models import Approval, Clip, ClipVersion
from controller.paging import Page
from controller.planning import versions
from controller.words import AudioError
from web import collation
from web.forms import once
from web.i18n import _, sentence
from web.places import Places
from web.words import TOPICS
from web.working import arrived, following

bp = Blueprint("library", __name__, url_prefix="/clips")
Drawn = str | Answer | tuple[str, int]

_PAGE = 24
_MOST_CHARACTERS = 10_000


@bp.get("/")
def page() -> str:
    """Newest first; filters stand in the address."""
    asked = request.args
    with looking() as at:
        filters = ClipFilters(
            topic=_topic(asked.get("topic", "")),
            language=asked.get("language") or None,
            status=Approval(asked["status"]) if asked.get("status") in list(Approval) else None,
            q=asked.get("q", "").strip()[:100] or None,
        )
        by_title = asked.get("sort") == "title"
        found = (_by_title if by_title else _newest)(at, filters, asked.get("cursor") or None)
        return render_template(
            "library/page.html",
            found=found,
            filters=filters,
            by_title=by_title,
            counts=_counts(at),
            places=Places(at.session, at.actor),
            now=at.now,
        )


@bp.get("/new")
def add() -> str:
    """The upload form; `replaces` in the address adds a version to a clip."""
    with looking() as at:
        require_role(at.actor, Action.UPLOAD)
        return _form(at, dict(request.args), {})


@bp.post("/new")
@once
def upload() -> Drawn:
    """Check, level and store the recording; then show the clip."""
    values = {name: request.form.get(name, "").strip() for name in _FIELDS}
    files = [each for each in request.files.getlist("file") if each.filename]
    try:
        clip = _take_in(files, values)
    except (BadInput, AudioError) as refusal:
        with looking() as at:
            return _form(at, values, _problems(refusal)), 422
    flash(_("Đã nhận tệp, kiểm tra và chỉnh âm lượng xong."), "good")
    return arrived(url_for("library.detail", clip_id=clip.id))


@bp.get("/speak")
def write() -> str:
    """A form for a text that the machine reads out."""
    with looking() as at:
        require_role(at.actor, Action.UPLOAD)
        return _speech_form(at, dict(request.args), {})


@bp.post("/speak/listen")
def read_out() -> Drawn:
    """The same form with the text read out beside it; nothing is saved yet."""
    values, at = _speech_values(), services()
    try:
        with looking() as here:
            require_role(here.actor, Action.UPLOAD)
        read = previews.read_out(_scratch(), values["text"], "vi", at.clock())
    except AudioError as refusal:
        with looking() as here:
            return _speech_form(here, values, {"text": sentence(refusal)}), 422
    session["read"] = read.sha256
    with looking() as here:
        return _speech_form(here, values, {}, read)


@bp.get("/speak/listen.ogg")
def read_sound() -> Response:
    """What this visitor had read out last."""
    try:
        path = previews.of_text(_scratch(), str(session.get("read", "")))
    except (AudioError, ValueError):
        raise NotFound("clip") from None
    return send_file(path, mimetype="audio/ogg", conditional=True)


@bp.post("/speak")
@once
def speak() -> Drawn:
    """Make the recording; it is listened to on the clip's own page before anybody approves it."""
    values, at = _speech_values(), services()
    try:
        if not values["text"]:
            raise BadInput({"text": ("Hãy gõ nội dung cần đọc.", "Type what is to be read out.")})
        clip, _version = clips.speak(
            at.engine,
            at.store,
            current_actor(),
            values["text"],
            "vi",
            None,
            values["title"],
            _topic(values["topic"]) or 0,
            values["area_id"] or None,
            at.clock(),
        )
    except (BadInput, AudioError) as refusal:
        with looking() as here:
            errors = _problems(refusal)
            errors = {("text" if name == "file" else name): each for name, each in errors.items()}
            return _speech_form(here, values, errors), 422
    flash(_("Đã đọc thành tiếng. Hãy nghe thử trước khi gửi duyệt."), "good")
    return redirect(url_for("library.detail", clip_id=clip.id))


@bp.get("/<clip_id>")
def detail(clip_id: str) -> str:
    """One clip: listen, read, its versions, and the decision where it waits for one."""
    with looking() as at:
        clip = clips.get(at.session, at.actor, clip_id)
        own = visible_areas(at.session, at.actor)
        mine = own is None or clip.area_id in own
        return render_template(
            "library/detail.html",
            view=clips.view(at.session, clip, at.now),
            original=at.session.get(Clip, clip.translation_of) if clip.translation_of else None,
            translations=_translations(at, clip),
            where=Places(at.session, at.actor).name(clip.area_id),
            may_decide=mine and may(at.actor, Action.APPROVE),
            may_replace=mine and may(at.actor, Action.UPLOAD),
        )


def _translations(at: Here, clip: Clip) -> list[ClipView]:
    found = versions.translations_of(at.session, [clip.id]).get(clip.id, [])
    return clips.views(at.session, found, at.now)


@bp.get("/<clip_id>/sound")
def sound(clip_id: str) -> Response:
    """What a cluster plays; `format=mp3` for old phones, `version` for an old recording."""
    with looking() as at:
        clip = clips.get(at.session, at.actor, clip_id)
        version = _version(clip, request.args.get("version", ""))
    return sound_of(services().store, version.sha256, request.args.get("format"), clip.title)


@bp.post("/<clip_id>/<any(approve, reject, withdraw):verb>")
@once
def decide(clip_id: str, verb: str) -> Answer:
    """Let the newest version air, give it back, or take the clip off the air."""
    done = {
        "approve": _("Đã duyệt bản tin."),
        "reject": _("Đã trả lại cho người tạo."),
        "withdraw": _("Đã thu hồi bản tin. Không lượt nào phát bản tin này nữa."),
    }
    with changing() as at:
        note = request.form.get("note", "").strip()[:2000]
        getattr(clips, verb)(at.session, at.actor, clip_id, at.now, note)
    flash(done[verb], "good")
    if request.form.get("back"):
        return redirect(url_for("approvals.page"))
    return redirect(url_for("library.detail", clip_id=clip_id))


@bp.post("/<clip_id>/<any(ready, ordinary):verb>")
@once
def keep(clip_id: str, verb: str) -> Answer:
    """A ready-made message for emergencies, or no longer one."""
    try:
        with changing() as at:
            if verb == "ready":
                ready_made.keep(at.session, at.actor, clip_id, at.now)
            else:
                ready_made.let_go(at.session, at.actor, clip_id, at.now)
    except Conflict as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã lưu."), "good")
    return redirect(url_for("library.detail", clip_id=clip_id))


_FIELDS = (
    "title",
    "topic",
    "language",
    "app",
    "area_id",
    "valid_until",
    "replaces",
    "translation_of",
)


def _take_in(files: list[FileStorage], values: dict[str, str]) -> Clip:
    if not files:
        raise BadInput(
            {
                "file": (
                    "Hãy chọn tệp âm thanh, hoặc bấm «Thu âm bằng điện thoại».",
                    "Choose a recording, or tap “Record with the phone”.",
                )
            }
        )
    at, file = services(), files[0]
    path = _saved(file, at.settings.temporary_dir)
    try:
        data = UploadInput(
            path=path,
            filename=label(file.filename or ""),
            title=values["title"],
            topic=int(values["topic"]) if values["topic"].isdecimal() else 0,
            language=values["language"],
            app=values["app"] or None,
            area_id=values["area_id"] or None,
            valid_until=f"{values['valid_until']}T23:59:59" if values["valid_until"] else None,
            replaces=values["replaces"] or None,
            translation_of=values["translation_of"] or None,
        )
        with following() as work:
            clip, _version = clips.upload(
                at.engine, at.store, current_actor(), data, at.clock(), work.report, work.stopped
            )
        return clip
    finally:
        path.unlink(missing_ok=True)


def _saved(file: FileStorage, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"page-{secrets.token_hex(8)}"
    file.save(path)
    return path


def _problems(refusal: BadInput | AudioError) -> dict[str, str]:
    if isinstance(refusal, BadInput):
        return {name: sentence(pair) for name, pair in refusal.errors.items()}
    return {"file": sentence(refusal)}


def _form(at: Here, values: dict[str, str], errors: dict[str, str]) -> str:
    replaced = (
        clips.get(at.session, at.actor, values["replaces"]) if values.get("replaces") else None
    )
    translated = values.get("translation_of")
    return render_template(
        "library/add.html",
        values=values,
        errors=errors,
        replaced=replaced,
        original=clips.get(at.session, at.actor, translated) if translated else None,
        areas=Places(at.session, at.actor).listed(),
    )


def _newest(at: Here, filters: ClipFilters, cursor: str | None) -> Page[ClipView]:
    return clips.page(at.session, at.actor, filters, now=at.now, limit=_PAGE, cursor=cursor)


def _by_title(at: Here, filters: ClipFilters, cursor: str | None) -> Page[ClipView]:
    """In Vietnamese order; `cursor` is how many were shown before."""
    found = clips.found(at.session, at.actor, filters)
    found.sort(key=lambda clip: (collation.key(clip.title), clip.id))
    first = int(cursor) if cursor and cursor.isdecimal() and len(cursor) < 7 else 0
    shown = found[first : first + _PAGE]
    more = str(first + _PAGE) if len(found) > first + _PAGE else None
    return Page(clips.views(at.session, shown, at.now), more)


def _topic(text: str) -> int | None:
    return int(text) if text in [str(number) for number in TOPICS] else None


def _speech_values() -> dict[str, str]:
    names = ("text", "title", "topic", "area_id")
    values = {name: request.form.get(name, "").strip() for name in names}
    return {**values, "text": values["text"][:_MOST_CHARACTERS]}


def _scratch() -> Path:
    return services().settings.temporary_dir / "read-out"


def _speech_form(
    at: Here, values: dict[str, str], errors: dict[str, str], read: previews.Read | None = None
) -> str:
    areas = Places(at.session, at.actor).listed()
    return render_template(
        "library/speak.html", values=values, errors=errors, areas=areas, read=read
    )


def _counts(at: Here) -> dict[int, int]:
    """How many clips of each content area the visitor can use."""
    query = select(Clip.topic, func.count()).group_by(Clip.topic)
    own = visible_areas(at.session, at.actor)
    if own is not None:
        query = query.where((Clip.area_id.is_(None)) | (Clip.area_id.in_(own)))
    return {row[0]: row[1] for row in at.session.execute(query)}


def _version(clip: Clip, asked: str) -> ClipVersion:
    if not asked:
        return clip.versions[-1]
    for version in clip.versions:
        if str(version.version) == asked:
            return version
    raise NotFound("version")
