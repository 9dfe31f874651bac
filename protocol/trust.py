"""Who may say what, and how many must agree: the signed trust document, applied.

A node starts from the keys of its settings. A document signed by what it trusts now takes their
place: keys are added and retired, and for some audiences a second party, whose key lives apart from
the first, must sign whatever makes sound at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.envelope import MessageType
from protocol.errors import Malformed, RefusalReason, Refused
from protocol.keys import VerifyKey
from protocol.messages import Trust, TrustedKey, TrustRule

CONTROLLER, SECOND = "controller", "second"
PLAY = "play"
MAY_SOUND = frozenset({MessageType.COMMAND, MessageType.AREA_STATE})
_ANYTHING = TrustRule()


@dataclass(frozen=True, slots=True)
class Trusted:
    """The document in force. `keys` by kid, `parties` by kid."""

    keys: Mapping[str, VerifyKey]
    parties: Mapping[str, str]
    rules: tuple[TrustRule, ...] = ()
    revision: int = field(default=0)

    @classmethod
    def anchored(cls, keys: Mapping[str, VerifyKey]) -> "Trusted":
        """What a node trusts by its settings alone: the controller, in everything."""
        return cls(dict(keys), dict.fromkeys(keys, CONTROLLER))

    @classmethod
    def said(cls, trust: Trust) -> "Trusted":
        """What a document says. Raises Malformed for keys that are none."""
        known = [(_key(each), each.party) for each in trust.keys]
        return cls(
            {key.kid: key for key, _ in known},
            {key.kid: party for key, party in known},
            trust.rules,
            trust.revision,
        )

    def check(self, kids: Iterable[str], what: str, to: str) -> None:
        """Raise Refused unless enough of the right parties signed."""
        rule = next((rule for rule in self.rules if _about(rule, what, to)), _ANYTHING)
        signed = {self.parties[kid] for kid in kids if kid in self.parties}
        agreed = signed & {*rule.parties}
        if len(agreed) < max(rule.needed, 1):
            reason = RefusalReason.TOO_FEW_SIGNATURES if agreed else RefusalReason.UNKNOWN_KEY
            raise Refused(reason, f"{len(agreed)} of {rule.needed} parties for {what} to {to}")


def guards(trusted: Trusted, to: str) -> bool:
    """Whether several must agree before something sounds at once for this audience."""
    return any(rule.needed > 1 and _about(rule, PLAY, to) for rule in trusted.rules)


def makes_sound(body: Mapping[str, Any]) -> bool:
    """Whether a command's or an area state's body has something sound at once."""
    return bool(body.get("airing") or body.get("airings"))


def _about(rule: TrustRule, what: str, to: str) -> bool:
    return rule.what == what and (not rule.to or to in rule.to)


def _key(trusted: TrustedKey) -> VerifyKey:
    try:
        return VerifyKey.from_hex(trusted.public_key)
    except ValueError as error:
        raise Malformed(f"a trusted key is none: {error}") from error
