"""What every form carries: a token against forgery, and a key so that a double tap acts once.

A phone on 3G sends a form twice when the first answer is slow. Both carry the same key: the second
waits for the first and is sent where the first was sent. Keys live in this process, of which there
is one; a form refused keeps its key free.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from flask import Flask, current_app, redirect, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response

from controller import api
from controller.settings import Settings
from web.sessions import signed_in

_KEPT = 5_000
_WAIT_S = 60
_SAID = "_flashes"  # where Flask keeps what the next page says
View = Callable[..., Any]

__all__ = ["CSRFError", "Keys", "install", "once"]


@dataclass(slots=True)
class _Sent:
    """A form under way, or done: then `location` says where its sender went, and what was said."""

    done: threading.Event = field(default_factory=threading.Event)
    location: str = ""
    said: list[Any] = field(default_factory=list)


class Keys:
    """The keys of forms sent lately, newest last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, _Sent] = OrderedDict()

    def claim(self, key: str) -> tuple[_Sent, bool]:
        """What is known of the key, and whether the caller is the first."""
        with self._lock:
            if key in self._sent:
                return self._sent[key], False
            sent = self._sent[key] = _Sent()
            while len(self._sent) > _KEPT:
                self._sent.popitem(last=False)
            return sent, True

    def free(self, key: str) -> None:
        """The form was refused: it may be sent again."""
        with self._lock:
            sent = self._sent.pop(key, None)
        if sent:
            sent.done.set()


def install(app: Flask, _settings: Settings) -> None:
    """Check the token of every form but those of the API, which takes no cookies."""
    # A form left open over night is still good; the session itself has its own end.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    protect = CSRFProtect(app)
    for blueprint in api.BLUEPRINTS:
        protect.exempt(blueprint)
    app.extensions["loalang_keys"] = Keys()
    app.jinja_env.globals["fresh_key"] = lambda: secrets.token_urlsafe(12)


def once(view: View) -> View:
    """The view of a POST form, done at most once per user and key."""

    @wraps(view)
    def guarded(**address: Any) -> Any:
        given = request.form.get("once", "")[:64]
        if not given:
            return view(**address)
        actor = signed_in()
        key = f"{actor.user_id if actor else ''} {request.path} {given}"
        keys: Keys = current_app.extensions["loalang_keys"]
        sent, first = keys.claim(key)
        if first:
            return _first(keys, key, sent, lambda: view(**address))
        sent.done.wait(_WAIT_S)
        return _again(sent) if sent.location else view(**address)

    guarded.acts_once = True  # type: ignore[attr-defined]
    return guarded


def _again(sent: _Sent) -> Response:
    """Where the first was sent, with what it was told: a browser drops its answer."""
    if sent.said:
        session[_SAID] = sent.said
    return redirect(sent.location)


def _first(keys: Keys, key: str, sent: _Sent, run: Callable[[], Any]) -> Any:
    try:
        answer = run()
        if isinstance(answer, Response) and answer.location:
            sent.said = list(session.get(_SAID, []))
            sent.location = answer.location
        return answer
    finally:
        if sent.location:
            sent.done.set()
        else:
            keys.free(key)
