"""Has outros spoken: each different text once, into the content store, outside any transaction.

A job of the service's housekeeping. What it makes changes how long airings last, so the schedules
that say it are expanded again and their documents said anew.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audio_library.errors import AudioError
from audio_library.speech import speak
from audio_library.store import Store
from controller import commands, database
from controller.accounts.access import SYSTEM
from controller.commands import CommandKind
from controller.models import Approval, Programme, Schedule, SpokenLine
from controller.planning import airings, outros
from controller.planning.due import language_sets
from controller.territory.places import Tree

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Speaking:
    """What could not be spoken, so that a voice that is missing is complained of once."""

    failed: set[str] = field(default_factory=set)


def speak_missing(engine: Engine, store: Store, speaking: Speaking, now: datetime) -> int:
    """Speak what approved and waiting schedules will say and nobody has spoken; how many."""
    with database.reading(engine) as session:
        wanted = missing(session, store, now)
    made = sum(
        _spoken(engine, store, text, language, speaking, now)
        for text, language in sorted(wanted.items())
        if text not in speaking.failed
    )
    if made:
        with database.transaction(engine) as session:
            _say_again(session, now)
    return made


def missing(session: Session, store: Store, now: datetime) -> dict[str, str]:
    """The texts that have no sound yet, or whose sound is gone, and their languages."""
    tree = Tree.load(session)
    texts = {
        text: language
        for schedule in _schedules(session)
        for speaker in outros.speakers([area.area_id for area in schedule.areas], tree)
        for language in _heard(session, speaker.area_id, tree)
        for text in outros.texts_from(schedule.programme.outro or "", speaker, now, language)
    }
    known = outros.lines(session, texts)
    return {
        text: language
        for text, language in texts.items()
        if text not in known or not store.has(known[text].sha256)
    }


def _heard(session: Session, area_id: str, tree: Tree) -> set[str]:
    """The languages in which somebody below hears an outro; Vietnamese always."""
    sets = language_sets(session, tree.open_below([area_id]), tree)
    return {outros.LANGUAGES[0], *(each for own in sets for each in outros.spoken_for(own))}


def _spoken(
    engine: Engine, store: Store, text: str, language: str, speaking: Speaking, now: datetime
) -> bool:
    try:
        made = speak(text, language, store)
    except AudioError as error:
        _log.warning("an outro could not be spoken (%s): %s", error, text)
        speaking.failed.add(text)
        return False
    with database.transaction(engine) as session:
        session.merge(
            SpokenLine(
                text_sha256=outros.text_hash(text),
                text=text,
                sha256=made.sha256,
                bytes=made.bytes,
                duration_ms=made.duration_ms,
                made_at=now,
            )
        )
    return True


def _say_again(session: Session, now: datetime) -> None:
    tree = Tree.load(session)
    touched: set[str] = set()
    for schedule in _schedules(session):
        if schedule.status == Approval.APPROVED:
            airings.expand(session, schedule, now)
            touched.update(airings.areas_touched(session, schedule, tree))
    body = {"area_ids": sorted(touched)}
    commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, SYSTEM, now)


def _schedules(session: Session) -> list[Schedule]:
    query = (
        select(Schedule)
        .join(Programme)
        .where(
            Programme.outro.is_not(None),
            Schedule.deleted_at.is_(None),
            Schedule.status.in_((Approval.APPROVED, Approval.PENDING)),
        )
        .order_by(Schedule.id)
    )
    return list(session.scalars(query))
