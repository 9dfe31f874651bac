"""The way to the second signer: a message goes to its socket, a signature comes back.

The second signer is another process of another user, perhaps on another machine (its socket may be
forwarded); this side holds its public key only. When it does not answer or refuses, the message
goes out with one signature, and nodes refuse and count it: nothing sounds by the first key alone.
"""

import json
import logging
import socket
from dataclasses import dataclass, field
from pathlib import Path

from protocol.envelope import (
    MessageType,
    Signature,
    countersigned,
    read_envelope,
    signed_bytes,
)
from protocol.keys import VerifyKey
from protocol.trust import MAY_SOUND, makes_sound

_log = logging.getLogger(__name__)

LONGEST_ANSWER = 1 << 16
_TIMEOUT_S = 2.0


@dataclass(slots=True)
class SecondParty:
    """`guarded`: the audiences for which two parties must sign whatever sounds at once."""

    socket_path: Path
    key: VerifyKey
    guarded: frozenset[str] = field(default=frozenset())

    def countersign(self, raw: bytes, type_: MessageType, to: str) -> bytes:
        """`raw` with the second signature, where one is needed and given."""
        if type_ not in MAY_SOUND or to not in self.guarded:
            return raw
        if not makes_sound(json.loads(read_envelope(raw).body)):
            return raw
        try:
            return countersigned(raw, self._asked(raw))
        except (OSError, ValueError) as error:
            _log.error("no second signature for %s: nodes will refuse it: %s", to, error)
            return raw

    def believes(self, raw: bytes) -> bool:
        """Whether it knows a key that signed `raw`. Raises OSError, ValueError: it is not there."""
        return "unknown_key" not in self._answer(raw).get("refused", "")

    def _answer(self, raw: bytes) -> dict[str, str]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_TIMEOUT_S)
            line.connect(str(self.socket_path))
            line.sendall(raw)
            line.shutdown(socket.SHUT_WR)
            return {str(k): str(v) for k, v in json.loads(_all_of(line)).items()}

    def _asked(self, raw: bytes) -> Signature:
        answer = self._answer(raw)
        if "refused" in answer:
            raise ValueError(f"the second signer refuses: {answer['refused']}")
        signature = bytes.fromhex(answer["signature"])
        envelope = read_envelope(raw)
        if not self.key.verifies(signature, signed_bytes(envelope.type, envelope.body)):
            raise ValueError("the second signer answers with another key")
        return Signature(self.key.kid, signature)


def _all_of(line: socket.socket) -> bytes:
    received = b""
    while chunk := line.recv(LONGEST_ANSWER):
        received += chunk
        if len(received) > LONGEST_ANSWER:
            raise ValueError("the second signer's answer is too long")
    return received
