"""Long work on a recording, as its sender sees it: the share done, and a way to stop it.

A form's own key names the work while its request lasts. Kept in this process, of which there is
one; whoever asks about a key that is not theirs, or is done, hears of nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, request
from werkzeug.wrappers import Response as Answer

from controller.accounts.access import Action, require_role
from controller.api.here import current_actor

bp = Blueprint("working", __name__, url_prefix="/clips/working")


@dataclass(slots=True)
class Work:
    """`report` and `stopped` are what the audio library calls while it works."""

    share: float = 0.0
    stop: bool = False

    def report(self, share: float) -> None:
        self.share = share

    def stopped(self) -> bool:
        return self.stop


class Works:
    """The work under way, by user and key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Work] = {}

    @contextmanager
    def known(self, name: str) -> Iterator[Work]:
        """A work that can be asked about until the block ends."""
        work = Work()
        with self._lock:
            self._under_way[name] = work
        try:
            yield work
        finally:
            with self._lock:
                self._under_way.pop(name, None)

    def find(self, name: str) -> Work | None:
        with self._lock:
            return self._under_way.get(name)


def install(app: Flask) -> None:
    """One list for the application."""
    app.extensions["loalang_works"] = Works()


@contextmanager
def following() -> Iterator[Work]:
    """The work of the form that is being answered, under that form's key."""
    with _works().known(_name(request.form.get("once", ""))) as work:
        yield work


@bp.get("/<key>")
def share(key: str) -> Response:
    """`{"share": 0.42}`; null when no such work is under way."""
    require_role(current_actor(), Action.UPLOAD)
    work = _works().find(_name(key))
    answer = jsonify(share=work.share if work else None)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/<key>/stop")
def stop(key: str) -> tuple[str, int]:
    """Ask it to stop; its own answer then says that nothing was stored."""
    require_role(current_actor(), Action.UPLOAD)
    work = _works().find(_name(key))
    if work is not None:
        work.stop = True
    return "", 204


def arrived(address: str) -> Answer:
    """To the page of what was made. A script is told where: it would follow a redirect by itself
    and use the message up unseen."""
    answer = redirect(address)
    if request.headers.get("X-Requested-With"):
        answer.status_code = 204
    return answer


def _name(key: str) -> str:
    return f"{current_actor().user_id} {key[:64]}"


def _works() -> Works:
    works: Works = current_app.extensions["loalang_works"]
    return works
