"""News for technicians by e-mail or webhook: clusters gone silent, airings failed, faults reported,
clips about to expire.

A target is an address as Apprise takes it (mailtos://…, json://…). Housekeeping asks `due` now and
then; what happened since the last message becomes one message, and the next waits half an hour, so
that a power cut in twenty villages is one e-mail. Targets belong to an area and hear of it alone.
A technician sets their own; an administrator sets and sees all of the area.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from controller import database
from controller.accounts import audit, people
from controller.accounts.access import (
    Action,
    Actor,
    below,
    may,
    require,
    require_role,
    visible_areas,
)
from controller.errors import BadInput, NotFound
from controller.fleet import faults, nodes
from controller.library import expiry
from controller.models import (
    Airing,
    AlertTarget,
    Area,
    EventKind,
    Node,
    NodeEvent,
    Playback,
    Role,
    User,
)
from controller.outcomes.outcome_words import outcome_word, reason_word
from controller.territory.areas import DEFAULT_TIMEZONE
from controller.territory.places import Tree
from protocol.outcomes import Outcome

_log = logging.getLogger(__name__)

EVERY: Final = timedelta(minutes=30)
# A device that only reconnects is no news.
SILENT_FOR: Final = timedelta(minutes=10)
_DAY: Final = timedelta(days=1)
_MOST_LINES: Final = 20
_LONGEST: Final = 500
_FAILED: Final = (Outcome.MISSED, Outcome.PARTIAL, Outcome.INTERRUPTED)

# What goes over the network to people; Apprise would also speak to programs of this machine.
_SCHEMES: Final = (
    "mailto mailtos json jsons xml xmls form forms ntfy ntfys gotify gotifys tgram slack discord "
    "msteams workflows mmost mmosts rocket rockets matrix matrixs signal signals pover vonage"
)

# Vietnamese and English, like an error's sentence.
TRIAL: Final = (
    "Đây là tin thử. Khi cụm loa im lặng hoặc phát hỏng, tin sẽ đến đây.",
    "This is a trial. When a cluster falls silent or an airing fails, news comes here.",
)

# Sends title and body to an address; returns whether it went out.
Send = Callable[[str, str, str], bool]


@dataclass(frozen=True, slots=True)
class Message:
    """What one target is told."""

    target_id: str
    address: str
    title: str
    body: str


def add(
    session: Session, actor: Actor, area_id: str | None, name: str, address: str, now: datetime
) -> AlertTarget:
    """A new target, in the language of who adds it. Raises BadInput, NotFound, NotAllowed."""
    require(session, actor, Action.OPERATE, area_id)
    if area_id is not None and session.get(Area, area_id) is None:
        raise NotFound("area")
    name, address = " ".join(name.split())[:100], address.strip()[:_LONGEST]
    if not name:
        raise BadInput({"name": ("Hãy ghi tên người nhận.", "Name who receives it.")})
    if not understood(address):
        raise BadInput(
            {
                "address": (
                    "Địa chỉ chưa đúng: ví dụ mailtos://tài-khoản:mật-khẩu@gmail.com hoặc "
                    "jsons://may-chu.vn/duong-dan.",
                    "The address is not understood: such as mailtos://user:password@gmail.com or "
                    "jsons://server.vn/path.",
                )
            }
        )
    target = AlertTarget(
        area_id=area_id,
        name=name,
        address=address,
        language=actor.language,
        added_by=actor.user_id,
        added_at=now,
        told_until=now,
    )
    session.add(target)
    session.flush()
    audit.record(session, actor, "alert.add", "alert", target.id, area_id, now, {"name": name})
    return target


def remove(session: Session, actor: Actor, target_id: str, now: datetime) -> None:
    """No more messages there."""
    target = get(session, actor, target_id)
    session.delete(target)
    detail = {"name": target.name}
    audit.record(session, actor, "alert.remove", "alert", target.id, target.area_id, now, detail)


def get(session: Session, actor: Actor, target_id: str) -> AlertTarget:
    """Raises NotFound outside the actor's areas, NotAllowed for a role too small."""
    target = session.get(AlertTarget, target_id)
    if target is None:
        raise NotFound("alert")
    own = actor.user_id is not None and target.added_by == actor.user_id
    try:
        require(session, actor, Action.OPERATE if own else Action.ADMINISTER, target.area_id)
    except NotFound:
        raise NotFound("alert") from None
    return target


def listed(session: Session, actor: Actor) -> list[AlertTarget]:
    """Targets of the actor's areas, by name; of who does not administer, their own."""
    require_role(actor, Action.OPERATE)
    query = select(AlertTarget).order_by(AlertTarget.name, AlertTarget.id)
    if not may(actor, Action.ADMINISTER):
        query = query.where(AlertTarget.added_by == actor.user_id)
    own = visible_areas(session, actor)
    if own is not None:
        query = query.where(AlertTarget.area_id.in_(own))
    return list(session.scalars(query))


def shown(address: str) -> str:
    """The address without its secrets, for pages."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://…@{rest.rpartition('@')[2]}" if "@" in rest else f"{scheme}://{rest[:40]}"


def understood(address: str) -> bool:
    """Whether Apprise knows such an address, and it leads to people."""
    from apprise import Apprise

    scheme, found, _ = address.partition("://")
    return bool(found) and scheme.lower() in _SCHEMES.split() and bool(Apprise().add(address))


def send(address: str, title: str, body: str) -> bool:
    """Hand it to Apprise; False when it did not go out."""
    from apprise import Apprise, NotifyFormat

    made = Apprise()
    text = NotifyFormat.TEXT  # a mail's lines stay lines, and a title with "<" is no markup
    return bool(made.add(address)) and bool(made.notify(body, title, body_format=text))


def try_out(address: str, language: str, send_it: Send = send) -> bool:
    """Send a trial there, with no session open: a mail server takes its time."""
    return send_it(address, "Loa Làng", TRIAL[language == "en"])


def run(engine: Engine, now: datetime, send_it: Send = send) -> int:
    """Send what is due. Returns how many messages went out; a failed one is tried again."""
    with database.reading(engine) as session:
        messages = due(session, now)
    sent = 0
    for message in messages:
        went = send_it(message.address, message.title, message.body)
        sent += went
        with database.transaction(engine) as session:
            target = session.get(AlertTarget, message.target_id)
            if target is None:
                continue
            target.sent_at = now
            target.error = "" if went else "failed"
            if went:
                target.told_until = now
            else:
                _log.warning("no alert reached %s", target.name)
    return sent


def due(session: Session, now: datetime) -> list[Message]:
    """One message for each target that has news and was not told lately."""
    found = []
    for target in session.scalars(select(AlertTarget)):
        if target.sent_at is not None and now - target.sent_at < EVERY:
            continue
        if not _may_hear(session, target):
            continue
        lines = _news(session, target, now)
        if lines:
            found.append(_message(target, lines))
    return found


def _may_hear(session: Session, target: AlertTarget) -> bool:
    """Not what a technician set who has left since, or looks after other places now."""
    owner = session.get(User, target.added_by) if target.added_by else None
    if owner is None or owner.role is Role.ADMINISTRATOR:
        return True
    actor = people.actor_of(owner)
    inside = visible_areas(session, actor)
    here = inside is None or target.area_id in inside
    return owner.locked_at is None and may(actor, Action.OPERATE) and here


def _news(session: Session, target: AlertTarget, now: datetime) -> list[str]:
    inside = below(session, [target.area_id]) if target.area_id else None
    tree, said = Tree.load(session), target.language
    lines = []
    for event, node in _silent(session, target.told_until, now):
        view = nodes.view(session, node, now)
        if not view.online and _within(view.area_id, inside):
            at = _local(tree, view.area_id, event.at)
            what = f"silent since {at}" if said == "en" else f"mất kết nối từ {at}"
            lines.append(f"{node.name}: {what}{_whom_to_call(node, said)}")
    for playback, node, airing in _failed(session, target.told_until, now):
        area_id = nodes.area_of(session, node.id, playback.planned_at)
        if _within(area_id, inside):
            at = _local(tree, area_id, playback.planned_at)
            title = airing.title if airing else playback.airing_id
            what = f"'{title}' of {at}" if said == "en" else f"«{title}» lúc {at}"
            lines.append(f"{node.name}: {what}: {_why(playback, said)}")
    for note, node in faults.open_since(session, target.told_until):
        if _within(nodes.area_of(session, node.id, now), inside):
            what = "reported broken" if said == "en" else "dân báo hỏng"
            lines.append(f"{node.name}: {what}: {note.text}{_whom_to_call(node, said)}")
    return list(dict.fromkeys([*lines, *_ending(session, target, tree, now)]))


def _ending(session: Session, target: AlertTarget, tree: Tree, now: datetime) -> Iterator[str]:
    """Clips in use that may not air much longer: told a week and a day before."""
    reader = Actor(None, target.name, Role.VIEWER, target.area_id)
    for each in expiry.expiring(session, reader, now):
        decided = [version.decided_at for version in each.clip.versions if version.decided_at]
        begins = max([each.at - expiry.SOON, *decided])  # a late approval is told at once
        if each.schedules and any(
            target.told_until < when <= now for when in (begins, each.at - _DAY)
        ):
            at, title = _local(tree, each.clip.area_id, each.at), each.clip.title
            used = ", ".join(schedule.title for schedule in each.schedules)
            yield (
                f"'{title}' expires at {at}; still used in: {used}"
                if target.language == "en"
                else f"«{title}» hết hạn lúc {at}; còn dùng trong: {used}"
            )


def _within(area_id: str | None, inside: Collection[str] | None) -> bool:
    return inside is None or area_id in inside


def _local(tree: Tree, area_id: str | None, at: datetime) -> str:
    """As the clock on the wall of that village says."""
    zone = tree.effective(area_id).timezone if area_id in tree.areas else DEFAULT_TIMEZONE
    return at.astimezone(ZoneInfo(zone)).strftime("%H:%M %d/%m")


def _why(playback: Playback, language: str) -> str:
    if playback.outcome is Outcome.PLAYED:  # and not heard
        if language == "en":
            return "played, but the microphone there heard nothing"
        return "đã phát nhưng micrô tại chỗ không nghe thấy gì"
    reason = reason_word(playback.reason, language)
    return outcome_word(playback.outcome, language) + (f" ({reason})" if reason else "")


def _whom_to_call(node: Node, language: str) -> str:
    """Who holds the key there, when the card says."""
    card = node.card or {}
    known = [str(card[name]) for name in ("key_holder", "key_phone") if card.get(name)]
    if not known:
        return ""
    return (" · key: " if language == "en" else " · chìa khóa: ") + ", ".join(known)


def _silent(session: Session, since: datetime, now: datetime) -> list[tuple[NodeEvent, Node]]:
    query = (
        select(NodeEvent, Node)
        .join(Node, Node.id == NodeEvent.node_id)
        .where(
            NodeEvent.kind == EventKind.WENT,
            NodeEvent.at > since - SILENT_FOR,
            NodeEvent.at <= now - SILENT_FOR,
        )
        .order_by(NodeEvent.at)
        .limit(500)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def _failed(
    session: Session, since: datetime, now: datetime
) -> list[tuple[Playback, Node, Airing | None]]:
    query = (
        select(Playback, Node, Airing)
        .join(Node, Node.id == Playback.node_id)
        .outerjoin(Airing, Airing.id == Playback.airing_id)
        .where(
            Playback.outcome.in_(_FAILED)
            | ((Playback.outcome == Outcome.PLAYED) & (Playback.heard_ms == 0)),
            Playback.planned_at > since - timedelta(days=1),
            (Playback.presumed_at > since) | (Playback.reported_at > since),
        )
        .order_by(Playback.planned_at)
        .limit(500)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def _message(target: AlertTarget, lines: list[str]) -> Message:
    english = target.language == "en"
    title = f"Loa Làng: {len(lines)} " + ("things need a look" if english else "việc cần xem")
    rest = len(lines) - _MOST_LINES
    told = lines[:_MOST_LINES]
    if rest > 0:
        told.append(f"… and {rest} more" if english else f"… và {rest} việc khác")
    return Message(target.id, target.address, title, "\n".join(told))
