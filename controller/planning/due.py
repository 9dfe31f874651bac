"""What a schedule has due in a span of time: its rule worked out, with worst-case ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controller.calendar.echo import STAGGER_STEP_MS
from controller.calendar.policy import Window, windows
from controller.calendar.recurrence import Rule, occurrences
from controller.calendar.rule_json import rule_from_json
from controller.calendar.wall import parse_local
from controller.models import Node, NodeMembership, Schedule
from controller.planning import outros
from controller.planning.programmes import Loaded, of_schedule
from controller.territory.places import Tree
from protocol.outcomes import AiringClass


@dataclass(frozen=True, slots=True)
class Due:
    """One airing to be, in UTC. `ends_at` is the worst case over languages and slots."""

    original_at: datetime
    starts_at: datetime
    ends_at: datetime
    stagger_step_ms: int = 0


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the places an airing sounds in add to its length: languages, slots, an outro."""

    language_sets: tuple[tuple[str, ...], ...]
    last_slot: int = 0
    outro_ms: tuple[tuple[str, int], ...] = ()  # language → the longest one in it


def due_between(
    session: Session,
    schedule: Schedule,
    after: datetime,
    until: datetime,
    tree: Tree,
    *,
    decided: bool = False,
) -> list[Due]:
    """The schedule's airings with after <= start < until.

    `decided`: as they will sound, without longer recordings that wait for their approval.
    """
    area_ids = [area.area_id for area in schedule.areas]
    rule = resolved(schedule.rule, schedule.timezone, area_ids, tree)
    starts = parse_local(schedule.starts_local, "starts_at")
    loaded = of_schedule(session, schedule)
    hearing = hearing_of(session, area_ids, tree, loaded.outro, after)
    return plan(
        rule,
        schedule.timezone,
        starts,
        loaded,
        hearing,
        schedule.class_,
        after,
        until,
        decided=decided,
    )


def plan(
    rule: Rule,
    timezone: str,
    starts_local: datetime,
    loaded: Loaded,
    hearing: Hearing,
    class_: AiringClass,
    after: datetime,
    until: datetime,
    *,
    decided: bool = False,
) -> list[Due]:
    """Occurrences with their worst-case ends; pure."""
    # Said also where nobody waits: a cluster that gets a slot later then waits at once.
    step_ms = 0 if class_ == AiringClass.EMERGENCY else STAGGER_STEP_MS
    stagger = timedelta(milliseconds=hearing.last_slot * step_ms)
    found = occurrences(rule, timezone, starts_local, after, until)
    if not loaded.changes_in_time:
        lasts = _lasts(loaded, after, hearing, decided=decided) + stagger
        return [Due(o.original_at, o.starts_at, o.starts_at + lasts, step_ms) for o in found]
    return [
        Due(
            o.original_at,
            at,
            at + _lasts(loaded, at, hearing, decided=decided) + stagger,
            step_ms,
        )
        for o in found
        for at in [o.starts_at]
    ]


def _lasts(loaded: Loaded, at: datetime, hearing: Hearing, *, decided: bool) -> timedelta:
    sets, outro_ms = hearing.language_sets, hearing.outro_ms
    return timedelta(milliseconds=loaded.longest_ms(at, sets, outro_ms, decided=decided))


def resolved(rule: dict[str, Any], timezone: str, area_ids: Sequence[str], tree: Tree) -> Rule:
    """The rule with the names it uses looked up in its first area (all agree, see `schedules`)."""
    policy = tree.effective(area_ids[0]).policy
    return rule_from_json(rule, timezone, policy.day_sets, policy.holidays)


def hours_in(
    area_ids: Sequence[str], tree: Tree, from_: datetime, until: datetime
) -> list[tuple[Window, ...] | None]:
    """The permitted windows of every set of rules that holds somewhere below the areas."""
    rules = {id(e): e for e in map(tree.effective, tree.open_below(area_ids))}
    return [windows(e.policy, e.timezone, from_, until) for e in rules.values()]


def hearing_of(
    session: Session, area_ids: Sequence[str], tree: Tree, outro: str | None, after: datetime
) -> Hearing:
    """Looked up by area, so that it costs by areas and not by nodes."""
    inside = tree.open_below(area_ids)
    sets, last_slot = _heard_in(session, inside, tree)
    outro_ms: dict[str, int] = {}
    for language in dict.fromkeys(each for own in sets for each in outros.spoken_for(own)):
        ms = outros.longest_ms(session, outro, area_ids, tree, after, language)
        outro_ms |= {language: ms} if ms else {}
    return Hearing(tuple(sorted(sets)), last_slot, tuple(sorted(outro_ms.items())))


def language_sets(session: Session, inside: frozenset[str], tree: Tree) -> set[tuple[str, ...]]:
    """Which languages, in which order, are heard in these areas, by village or by node."""
    return _heard_in(session, inside, tree)[0]


def _heard_in(
    session: Session, inside: frozenset[str], tree: Tree
) -> tuple[set[tuple[str, ...]], int]:
    """Their sets of languages, and the last stagger slot of their nodes."""
    # A single row for thousands of nodes: few of them have languages of their own.
    nodes = select(func.max(Node.stagger_slot), func.count(Node.languages))
    there = (NodeMembership.until_at.is_(None), NodeMembership.area_id.in_(inside))
    if inside >= tree.open_below(tree.roots()):  # everywhere: no need to look each up by its area
        nodes = nodes.where(Node.retired_at.is_(None))
    else:
        nodes = nodes.join(NodeMembership).where(*there)
    last_slot, count = session.execute(nodes).one()
    sets = {tree.languages(area_id) for area_id in inside}
    if count:
        own = select(Node.languages).join(NodeMembership)
        found = session.scalars(own.where(*there, Node.languages.is_not(None)))
        sets |= {tuple(languages) for languages in found if languages}
    return sets, last_slot or 0
