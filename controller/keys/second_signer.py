"""`loalang sign`: the second party, whose signature nodes want on a mass emergency.

It runs as a user of its own, with a key of its own, and knows neither database nor pages. It signs
only what the controller has signed, only emergencies made of sounds somebody permitted here
beforehand (`loalang sign allow`), and only so many an hour: whoever breaks into the controller can
sound the ready-made messages, for a while, and nothing else.

    loalang sign key                   makes the key, prints its public half for the controller
    loalang sign allow SHA256 …        permits a sound: a ready-made message, or the alert tone
    loalang sign run --controller-key HEX
"""

import argparse
import json
import logging
import re
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controller.errors import ControllerError
from controller.files import write_durably
from controller.keys.signing import load_or_create
from protocol.codec import from_json
from protocol.envelope import MAX_BYTES, MessageType, read_envelope, signed_bytes, verify
from protocol.errors import ProtocolError
from protocol.keys import SigningKey, VerifyKey
from protocol.messages import Airing, AreaState, Command
from protocol.outcomes import AiringClass
from protocol.programme import blobs_of
from protocol.trust import MAY_SOUND

_log = logging.getLogger(__name__)

DEFAULT_FOLDER = Path("/var/lib/loalang-signer")
DEFAULT_SOCKET = Path("/run/loalang-signer/sign.sock")
MOST_AN_HOUR = 6  # emergencies
MOST_SOUNDINGS_AN_HOUR = 200  # their repeats among them; one area's state holds 120 at most
_HOUR_S = 3600.0
_REMEMBERED_S = 3 * 86_400.0  # nothing said today is said again after that
_TIMEOUT_S = 2.0
_SHA256 = re.compile(r"[0-9a-f]{64}")


Sounds = frozenset[str]


class No(Exception):
    """Why it does not sign: one sentence."""


@dataclass
class Signer:
    """What it judges by. `allowed` is asked each time, so that a change holds at once."""

    key: SigningKey
    controllers: Sequence[VerifyKey]
    allowed: Callable[[], frozenset[str]]
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, float] = field(default_factory=dict)  # airing ids signed before, and when
    _given: deque[tuple[float, Sounds]] = field(default_factory=deque)  # an emergency each

    def answer(self, raw: bytes) -> dict[str, str]:
        """The signature in hex, or why there is none."""
        try:
            return {"signature": self._sign(raw).hex()}
        except (No, ProtocolError, ValueError) as error:
            _log.warning("refused: %s", error)
            return {"refused": str(error)}

    def _sign(self, raw: bytes) -> bytes:
        envelope = read_envelope(raw)
        if envelope.type not in MAY_SOUND:
            raise No(f"{envelope.type} needs no second signature")
        body = verify(raw, envelope.type, {key.kid: key for key in self.controllers})
        airings = _airings(envelope.type, body)
        self._judge(airings)
        self._count(airings, as_repeats=envelope.type is MessageType.AREA_STATE)
        return self.key.sign(signed_bytes(envelope.type, envelope.body))

    def _judge(self, airings: Sequence[Airing]) -> None:
        if not airings:
            raise No("nothing sounds in it")
        if any(airing.class_ is not AiringClass.EMERGENCY for airing in airings):
            raise No("it is no emergency")
        sounds = {sha256 for airing in airings for sha256 in blobs_of(airing.parts)}
        strange = sorted(sounds - self.allowed())
        if strange:
            raise No(f"sound {strange[0]} is not permitted here: loalang sign allow {strange[0]}")

    def _count(self, airings: Sequence[Airing], *, as_repeats: bool) -> None:
        """Count what is new. An area's state brings the repeats of an emergency, in portions."""
        now = self.monotonic()
        self._forget(now)
        new = [airing for airing in airings if airing.airing_id not in self._known]
        begun = {frozenset(blobs_of(airing.parts)) for airing in new}
        if as_repeats:
            begun -= {sounds for _, sounds in self._given}
        if len(self._given) + len(begun) > MOST_AN_HOUR:
            raise No(f"{MOST_AN_HOUR} emergencies were signed within an hour")
        lately = sum(now - at <= _HOUR_S for at in self._known.values())
        if lately + len(new) > MOST_SOUNDINGS_AN_HOUR:
            raise No(f"{MOST_SOUNDINGS_AN_HOUR} soundings were signed within an hour")
        self._given.extend((now, sounds) for sounds in begun)
        self._known |= {airing.airing_id: now for airing in new}

    def _forget(self, now: float) -> None:
        while self._given and now - self._given[0][0] > _HOUR_S:
            self._given.popleft()
        old = [each for each, at in self._known.items() if now - at > _REMEMBERED_S]
        for airing_id in old:
            del self._known[airing_id]


def serve(signer: Signer, listener: socket.socket, stop: Callable[[], bool]) -> None:
    """Answer one asker after the other until `stop`; the listener has a timeout."""
    while not stop():
        try:
            line, _ = listener.accept()
        except TimeoutError:
            continue
        with line:
            line.settimeout(_TIMEOUT_S)
            try:
                line.sendall(json.dumps(signer.answer(_message(line))).encode())
            except OSError as error:
                _log.warning("an asker went away: %s", error)


def read_allowed(path: Path) -> frozenset[str]:
    """The sounds permitted in a file, one SHA-256 a line; a word may follow."""
    if not path.exists():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0] for line in lines if line.strip())


def main(arguments: list[str] | None = None) -> int:
    """Run, permit sounds, or show the key. 0 done, 1 failed, 2 wrong use."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        return int(asked.run(asked))
    except (ControllerError, OSError, ValueError) as error:
        print(f"The second signer cannot do this: {error}", file=sys.stderr)
        return 1


def _show_key(asked: argparse.Namespace) -> int:
    print(load_or_create(asked.folder / "second.key").verify_key.hex)
    return 0


def _allow(asked: argparse.Namespace) -> int:
    wrong = [text for text in asked.sounds if not _SHA256.fullmatch(text)]
    if wrong:
        print(f"{wrong[0]} is no SHA-256: 64 hex digits, as the clip shows it", file=sys.stderr)
        return 2
    path = asked.folder / "allowed"
    together = sorted(read_allowed(path) | {*asked.sounds})
    write_durably(path, "".join(f"{sha256}\n" for sha256 in together).encode())
    return 0


def _run(asked: argparse.Namespace) -> int:
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: stopped.append(number))
    signer = Signer(
        load_or_create(asked.folder / "second.key"),
        [VerifyKey.from_hex(text) for text in asked.controller_key],
        lambda: read_allowed(asked.folder / "allowed"),
    )
    with listening(asked.socket) as listener:
        _log.info("signing with %s", signer.key.verify_key.kid)
        serve(signer, listener, lambda: bool(stopped))
    return 0


def listening(path: Path) -> socket.socket:
    """The socket on which the controller asks; for its group, too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o660)
    listener.listen()
    listener.settimeout(0.25)
    return listener


def _airings(type_: MessageType, body: dict[str, object]) -> Sequence[Airing]:
    if type_ is MessageType.COMMAND:
        airing = from_json(Command, body).airing
        return [airing] if airing else []
    return from_json(AreaState, body).airings


def _message(line: socket.socket) -> bytes:
    received = b""
    while len(received) <= MAX_BYTES and (chunk := line.recv(1 << 16)):
        received += chunk
    return received


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loalang sign", description=__doc__.split("\n\n")[0])
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, run, about in _VERBS:
        verb = verbs.add_parser(name, help=about, description=about)
        verb.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="key and list")
        verb.set_defaults(run=run)
        if name == "run":
            verb.add_argument("--socket", type=Path, default=DEFAULT_SOCKET)
            verb.add_argument("--controller-key", action="append", required=True, metavar="HEX")
        if name == "allow":
            verb.add_argument("sounds", nargs="+", metavar="SHA256")
    return parser


_VERBS: Iterable[tuple[str, Callable[[argparse.Namespace], int], str]] = (
    ("run", _run, "sign what may be signed"),
    ("allow", _allow, "permit sounds"),
    ("key", _show_key, "the public key, for the controller's second_signer_key"),
)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
