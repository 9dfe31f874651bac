"""Live pages: one stream of event names a page, from one reader of changes a process.

The reader looks at the `change` table four times a second, and only while somebody listens. A
stream carries names only (`node`, `playback`, …); the page then asks for its parts anew, with the
visitor's own rights. `Last-Event-ID` resumes where a lost connection stopped.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from time import monotonic

from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from controller import changes, database
from controller.accounts.access import Actor, visible_areas
from controller.api.here import current_actor, services
from controller.models import Change
from controller.services import Services

_log = logging.getLogger(__name__)
bp = Blueprint("live", __name__)

POLL_S = 0.25
# A browser that left is noticed at the next word to it; until then it holds a thread.
PING_S = 5
# Twenty clusters report one airing within seconds, and each word makes every open page ask anew.
REST_S = 3
AT_ONCE = frozenset({"emergency"})
# Rights may have changed meanwhile: a stream ends and the browser opens it anew.
LONGEST_S = 600
MOST_STREAMS = 24
MOST_OF_ONE = 6
# Numbers may become visible out of order where two transactions end together.
_OVERLAP = 200
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """Something of `kind` changed in an area (None: in none)."""

    seq: int
    kind: str
    area_id: str | None


@dataclass(slots=True, eq=False)
class Listener:
    """One open stream: the areas its visitor sees (None: all), and what it has yet to say."""

    user_id: str | None
    areas: frozenset[str] | None
    after: int
    ended: bool = False
    _events: list[Event] = field(default_factory=list)
    _ready: threading.Condition = field(default_factory=threading.Condition)

    def offer(self, events: list[Event]) -> None:
        """Take in what this visitor may know of."""
        seen = [event for event in events if self._sees(event)]
        if not seen:
            return
        with self._ready:
            self._events += seen
            self._ready.notify()

    def take(self, timeout_s: float) -> list[Event]:
        """What came since the last call, waiting for the first; empty after the timeout."""
        with self._ready:
            if not self._events and not self.ended:
                self._ready.wait(timeout_s)
            taken, self._events = self._events, []
        return taken

    def rest(self, timeout_s: float) -> None:
        """Gather what comes now, to say it together; an emergency or the end cuts it short."""
        with self._ready:
            self._ready.wait_for(self._presses, timeout_s)

    def end(self) -> None:
        """Make room: its page opens another stream if it is still there."""
        with self._ready:
            self.ended = True
            self._ready.notify()

    def _presses(self) -> bool:
        return self.ended or any(event.kind in AT_ONCE for event in self._events)

    def _sees(self, event: Event) -> bool:
        inside = self.areas is None or event.area_id is None or event.area_id in self.areas
        return inside and event.seq > self.after


class Hub:
    """The process's one reader and its listeners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._listeners: dict[Listener, None] = {}  # oldest first
        self._wanted = threading.Event()
        self._reader: threading.Thread | None = None
        self._last = 0
        self._seen: set[int] = set()

    def join(self, listener: Listener) -> bool:
        """Add a listener; False when there are too many. One user's oldest give way to the new:

        most are of pages already left, which nobody has noticed yet.
        """
        with self._lock:
            own = [each for each in self._listeners if each.user_id == listener.user_id]
            for oldest in own[: max(0, len(own) - MOST_OF_ONE + 1)]:
                oldest.end()
                del self._listeners[oldest]
            if len(self._listeners) >= MOST_STREAMS:
                return False
            if self._reader is None:
                self._catch_up_to_now()
                self._reader = threading.Thread(target=self._run, name="changes", daemon=True)
                self._reader.start()
            self._listeners[listener] = None
        self._wanted.set()
        return True

    def leave(self, listener: Listener) -> None:
        """Remove a listener; the reader rests when none is left."""
        with self._lock:
            self._listeners.pop(listener, None)
            if not self._listeners:
                self._wanted.clear()

    def step(self) -> int:
        """Read what is new and hand it round; returns how much it was."""
        with database.reading(self._engine) as session:
            rows = changes.after(session, max(0, self._last - _OVERLAP), _AT_ONCE)
        fresh = [event_of(row) for row in rows if row.seq not in self._seen]
        if rows:
            self._last = max(self._last, rows[-1].seq)
            self._seen = {row.seq for row in rows if row.seq > self._last - _OVERLAP}
        if fresh:
            with self._lock:
                listeners = list(self._listeners)
            for listener in listeners:
                listener.offer(fresh)
        return len(fresh)

    def _catch_up_to_now(self) -> None:
        with database.reading(self._engine) as session:
            self._last = changes.latest(session)
            rows = changes.after(session, max(0, self._last - _OVERLAP), _AT_ONCE)
        self._seen = {row.seq for row in rows}

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._wanted.wait()
            try:
                self.step()
            except SQLAlchemyError as error:
                _log.warning("the changes could not be read: %s", error)
                pause.wait(5)
            pause.wait(POLL_S)


def install(app: Flask) -> None:
    """Make the hub; its thread starts with the first open page."""
    at: Services = app.extensions["loalang"]
    app.extensions["loalang_live"] = Hub(at.engine)


@bp.get("/live")
def stream() -> Response:
    """The stream of the visitor's areas."""
    at, actor = services(), current_actor()
    hub: Hub = current_app.extensions["loalang_live"]
    listener = _listener(at.engine, actor, request.headers.get("Last-Event-ID", ""))
    if not hub.join(listener):
        return Response(status=503, headers={"Retry-After": "30"})
    answer = Response(_lines(hub, listener, at.engine), content_type="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def event_of(row: Change) -> Event:
    """The line's event."""
    return Event(row.seq, row.kind, row.area_id)


def _listener(engine: Engine, actor: Actor, last_id: str) -> Listener:
    """A listener for what came after `last_id`; without one, for what comes from now on."""
    with database.reading(engine) as session:
        areas = visible_areas(session, actor)
        known = last_id.isdecimal() and len(last_id) < 19
        return Listener(actor.user_id, areas, int(last_id) if known else changes.latest(session))


def _lines(hub: Hub, listener: Listener, engine: Engine) -> Iterator[str]:
    ends_at = monotonic() + LONGEST_S
    try:
        # Read only after joining: what falls in between is said twice rather than never.
        with database.reading(engine) as session:
            listener.offer([event_of(row) for row in changes.after(session, listener.after)])
        yield f"retry: 2000\nid: {listener.after}\nevent: hello\ndata: 1\n\n"
        while monotonic() < ends_at and not listener.ended:
            events = listener.take(PING_S)
            if events:
                yield from _named(events)
                listener.rest(REST_S)
            else:
                yield "event: ping\ndata: 1\n\n"
    finally:
        hub.leave(listener)


def _named(events: list[Event]) -> Iterator[str]:
    """Each name once, with the newest number: ten reports are one look at the page."""
    kinds = sorted(events, key=lambda event: (event.kind, event.seq))
    newest = max((event.seq for event in events), default=0)
    for kind, _group in groupby(kinds, key=lambda event: event.kind):
        yield f"id: {newest}\nevent: {kind}\ndata: {newest}\n\n"
