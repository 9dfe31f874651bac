"""Switching between Vietnamese and English, for one visitor."""

from flask import Blueprint, redirect, request, session
from werkzeug.wrappers import Response

from web.i18n import LANGUAGES
from web.links import own_address
from web.sessions import open_to_all

bp = Blueprint("language", __name__)


@bp.post("/language")
@open_to_all
def switch() -> Response:
    """Keep the choice in the cookie and go back to where the visitor was."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
    return redirect(own_address(request.form.get("next", "")))
