"""Opening what a device said: its signature, its site, and that the topic is the signer's own."""

from collections.abc import Mapping
from typing import Any

from controller.mqtt import report_texts
from protocol import envelope
from protocol.envelope import Heading, MessageType
from protocol.errors import RefusalReason, Refused
from protocol.keys import VerifyKey
from protocol.topics import Topic

TYPES = {
    "presence": MessageType.PRESENCE,
    "status": MessageType.STATUS,
    "beat": MessageType.BEAT,
    "report": MessageType.REPORTS,
    "want": MessageType.WANT,
    "answer": MessageType.ANSWER,
    "claim": MessageType.CLAIM,
}


def opened(
    site: str, topic: Topic, raw: bytes, key: VerifyKey
) -> tuple[Heading, Mapping[str, Any], list[str]]:
    """Heading and body of a message on one of `TYPES`' channels; of `reports` each one's text, too.

    Raises ProtocolError. Expiry is not judged: a node's clock may be wrong, and reports may be a
    month old.
    """
    signed, _ = envelope.checked(raw, TYPES[topic.channel], {key.kid: key})
    body, texts = report_texts.read(signed, "reports")
    heading = envelope.heading_of(body)
    if topic.site != site or heading.site != site:
        raise Refused(RefusalReason.WRONG_SITE, heading.site)
    if not key.device_id == topic.id == heading.from_:
        raise Refused(RefusalReason.WRONG_AUDIENCE, f"{heading.from_} on {topic.id}")
    return heading, body, report_texts.keepable(signed, body, "reports", texts)
