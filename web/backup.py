"""Backups from the page: make one now, list them, take one home. No key lies open in them.

Only who administers everything may, and the password is asked again before one leaves the house.
Restoring needs the console: the page says how.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Blueprint, Flask, flash, redirect, request, send_file, url_for
from werkzeug.wrappers import Response

from controller.accounts import audit, people, second_factor
from controller.api.here import Here, changing, services
from controller.errors import ControllerError, NotAllowed, NotFound
from controller.models import User
from controller.upkeep import backups, recovery
from web.forms import once
from web.i18n import _, sentence
from web.limits import limited

bp = Blueprint("backup", __name__, url_prefix="/settings/backups")

_NAME = re.compile(r"loalang-\d{8}-\d{6}\.tar")
_KEPT = 7


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup on this machine."""

    name: str
    bytes: int
    at: datetime


def install(app: Flask) -> None:
    """Guessing the password is slowed down here too."""
    limited(app, "backup.take")


@bp.post("/")
@once
def make() -> Response:
    """Make one now; the oldest beyond seven give way."""
    with changing() as at:
        _require(at)
        name = f"loalang-{at.now:%Y%m%d-%H%M%S}.tar"
        audit.record(at.session, at.actor, "backup.make", "backup", name, None, at.now)
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o770)
    try:
        backups.write(services().settings, folder / name, at.now)
    except ControllerError as error:
        flash(sentence(error), "bad")
    else:
        for old in kept()[_KEPT:]:
            (folder / old.name).unlink(missing_ok=True)
        flash(_("Đã sao lưu. Hãy tải về và cất ở máy khác."), "good")
    return redirect(url_for("settings.page", _anchor="backups"))


@bp.post("/<name>")
def take(name: str) -> Response:
    """Download one; the password again, because everything is in it."""
    with changing() as at:
        _require(at)
        user = at.session.get(User, at.actor.user_id or "")
        password = request.form.get("password", "")
        right = user and people.authenticate(at.session, user.username, password)
        if right:
            audit.record(at.session, at.actor, "backup.take", "backup", name, None, at.now)
    if not right:
        flash(_("Mật khẩu chưa đúng: hãy nhập lại."), "bad")
        return redirect(url_for("settings.page", _anchor="backups"))
    path = _folder() / name
    if not _NAME.fullmatch(name) or not os.access(path, os.R_OK):
        raise NotFound("backup")
    return send_file(path, mimetype="application/x-tar", as_attachment=True, download_name=name)


def kept() -> list[Kept]:
    """What lies here, newest first."""
    folder = _folder()
    named = (each for each in folder.glob("loalang-*.tar") if _NAME.fullmatch(each.name))
    found = [each for each in named if os.access(each, os.R_OK)]  # root may leave some of its own
    return [
        Kept(each.name, each.stat().st_size, datetime.fromtimestamp(each.stat().st_mtime, UTC))
        for each in sorted(found, reverse=True)
    ]


def holds_keys() -> bool:
    """Whether the keys go with a backup, sealed."""
    return recovery.chosen(services().settings)


def may_back_up(at: Here) -> bool:
    """Whether the visitor administers everything there is."""
    return second_factor.may_rule(at.session, at.actor)


def _require(at: Here) -> None:
    if not may_back_up(at):
        raise NotAllowed(
            "not_everywhere",
            "Bản sao lưu chứa dữ liệu mọi đơn vị: hãy nhờ quản trị của toàn hệ thống.",
            "A backup holds the data of all units: ask whoever administers the whole system.",
        )


def _folder() -> Path:
    return services().settings.data_dir / "backups"
