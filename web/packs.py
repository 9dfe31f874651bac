"""Clips to another commune or from one, in one file: choose and download, or take a file in."""

import secrets

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from controller import commands
from controller.accounts.access import Action, require_role
from controller.api.here import Here, current_actor, looking, services
from controller.api.packs import packed
from controller.errors import BadInput
from controller.library import clips
from controller.library.clips import ClipFilters
from controller.usb import clip_packs
from controller.words import AudioError
from web import collation
from web.forms import once
from web.i18n import _, sentence
from web.places import Places

bp = Blueprint("packs", __name__, url_prefix="/clips/packs")
_SHOWN = 200


@bp.get("/")
def page() -> str:
    """Both forms, and the key to tell others."""
    with looking() as at:
        return _page(at, "")


@bp.post("/export")
def export() -> Response | tuple[str, int]:
    """The chosen clips as a download."""
    with looking() as at:
        require_role(at.actor, Action.UPLOAD)
    try:
        return packed(request.form.getlist("clip"))
    except (BadInput, AudioError) as refusal:
        with looking() as at:
            return _page(at, _said(refusal)), 422


@bp.post("/import")
@once
def take_in() -> Answer | tuple[str, int]:
    """Take a file in; what was left out is named."""
    at, file = services(), request.files.get("file")
    path = at.settings.temporary_dir / f"page-{secrets.token_hex(8)}"
    try:
        with looking() as here:
            require_role(here.actor, Action.UPLOAD)
        if file is None or not file.filename:
            raise BadInput({"file": ("Hãy chọn tệp gói.", "Choose a pack.")})
        path.parent.mkdir(parents=True, exist_ok=True)
        file.save(path)
        area_id = request.form.get("area_id", "") or None
        taken = clip_packs.take_in(
            at.engine, at.store, current_actor(), path, area_id, at.settings, at.clock()
        )
    except (BadInput, AudioError) as refusal:
        with looking() as here:
            return _page(here, _said(refusal)), 422
    finally:
        path.unlink(missing_ok=True)
    commands.wake(at.settings.wake_path)
    flash(_("Đã nhập %(n)s bản tin; các bản này chờ duyệt.", n=len(taken.added)), "good")
    for title, vi, en in taken.skipped:
        flash(_("Bỏ qua «%(title)s»: %(why)s", title=title, why=sentence((vi, en))), "warn")
    return redirect(url_for("packs.page"))


def _page(at: Here, wrong: str) -> str:
    require_role(at.actor, Action.UPLOAD)
    found = clips.page(at.session, at.actor, ClipFilters(), now=at.now, limit=_SHOWN)
    return render_template(
        "library/packs.html",
        clips=sorted(
            (view for view in found.items if view.on_air),
            key=lambda view: collation.key(view.clip.title),
        ),
        areas=Places(at.session, at.actor).listed(),
        key=clip_packs.key_of(at.services.settings),
        wrong=wrong,
    )


def _said(refusal: BadInput | AudioError) -> str:
    if isinstance(refusal, BadInput):
        return " ".join(sentence(pair) for pair in refusal.errors.values())
    return sentence(refusal)
