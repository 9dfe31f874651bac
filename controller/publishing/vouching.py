"""The trust document: which keys may say what, and where a second party must agree.

It follows from the keyring and from the areas' rules. A mass emergency is one for an area that has
others below it; where the rules want two signatures for it, nodes obey no sound at once for that
area unless the second party, whose key lives apart (controller.keys.second_signer), has signed it
too.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from controller import database
from controller.keys.countersigning import SecondParty
from controller.keys.signing import Keyring
from controller.models import Area
from controller.mqtt.publisher import Publisher, Retained
from controller.territory import areas
from protocol.envelope import MessageType
from protocol.messages import Trust, TrustedKey, TrustRule
from protocol.trust import CONTROLLER, PLAY, SECOND

_log = logging.getLogger(__name__)


class Voucher:
    """`say` whenever keys or rules may have changed; what stands already is not said again."""

    def __init__(
        self,
        engine: Engine,
        publisher: Publisher,
        ring: Keyring,
        second: SecondParty | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._publisher = publisher
        self._ring = ring
        self._second = second
        self._clock = clock
        self._lock = threading.Lock()

    def say(self) -> bool:
        """Bring the document up to date; whether it had to be said."""
        with self._lock:
            self._ring.reload()
            with database.reading(self._engine) as session:
                guarded = tuple(f"area:{area_id}" for area_id in mass_areas(session))
            if self._second is None and guarded:
                _log.warning("rules want a second signature, and no second signer is set up")
            if self._second is not None:
                self._second.guarded = frozenset(guarded)
            trust = document(self._ring, self._second, guarded)
            wanted = Retained(self._publisher.topics.trust(), MessageType.TRUST, "site", trust)
            return self._publisher.retain(wanted)


def document(ring: Keyring, second: SecondParty | None, guarded: tuple[str, ...]) -> Trust:
    """What nodes are to trust from now on."""
    keys = [TrustedKey(key.verify_key.hex, CONTROLLER) for key in ring.signing]
    if second is None:
        return Trust(keys=tuple(keys))
    keys.append(TrustedKey(second.key.hex, SECOND))
    rule = TrustRule(PLAY, guarded, (CONTROLLER, SECOND), 2)
    return Trust(keys=tuple(keys), rules=(rule,) if guarded else ())


def mass_areas(session: Session) -> list[str]:
    """Areas with others below them whose rules want two signatures on what sounds at once."""
    known = {area.id: area for area in session.scalars(select(Area).order_by(Area.id))}
    parents = {area.parent_id for area in known.values() if area.parent_id}
    return [each for each in sorted(parents & known.keys()) if _wants_two(known, known[each])]


def _wants_two(known: dict[str, Area], area: Area) -> bool:
    path = list(_upwards(known, area))
    return areas.inherited(path[::-1]).policy.approval.emergency_signatures > 1


def _upwards(known: dict[str, Area], area: Area) -> Iterator[Area]:
    each: Area | None = area
    while each is not None:
        yield each
        each = known.get(each.parent_id or "")
