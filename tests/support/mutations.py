"""Messages as a hostile broker would have them: altered, cut, repeated, misdirected, invented."""

from datetime import timedelta

from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey

STRANGER = SigningKey.generate()
FORGERIES = ("flip", "cut", "grow", "swap", "replace", "repeat", "elsewhere", "late", "forge")


def hostile(random, originals, key, now):
    """One message that must not be obeyed, made of `originals`: [(type, raw, message)].

    All originals have been obeyed before. `key` is the controller's: what it said to others, or
    long ago, is genuine and still not for this node.
    """
    type_, raw, message = random.choice(originals)
    how = random.choice(FORGERIES)
    if how in ("elsewhere", "late", "forge"):
        return type_, _sealed(random, how, type_, message, key, now)
    return type_, _BYTES[how](random, raw, originals)


def _sealed(random, how, type_, message, key, now):
    to = "device:" + "e" * 32 if how == "elsewhere" else "area:village"
    expires = now - timedelta(seconds=1) if how == "late" else now + timedelta(days=1)
    seq = random.randrange(10**6, 2**40)
    signer = STRANGER if how == "forge" else key
    return seal(type_, Heading("main", to, "controller", seq, now, expires), message, [signer])


def _flip(random, raw, _originals):
    out = bytearray(raw)
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        out[random.randrange(len(out))] ^= 1 << random.randrange(8)
    return bytes(out)


def _cut(random, raw, _originals):
    at = random.randrange(len(raw))
    return random.choice((raw[:at], raw[at:], raw[:at] + raw[at + 1 :]))


def _grow(random, raw, _originals):
    at = random.randrange(len(raw) + 1)
    return (
        raw[:at] + random.choice((b" ", b"\n", b"\0", b"0", b'"', random.randbytes(9))) + raw[at:]
    )


def _swap(random, raw, originals):
    """The header of one message before the body of another."""
    other = random.choice(originals)[1]
    return raw.partition(b"\n")[0] + b"\n" + other.partition(b"\n")[2]


def _replace(random, raw, _originals):
    old, new = random.choice(
        (
            (b'"seq":', b'"seq":9'),
            (b"stop", b"play"),
            (b'"v":1', b'"v":0'),
            (b'"type":"command"', b'"type":"config"'),
            (b"2026", b"2036"),
            (b"village", b"villag3"),
            (b'"sigs":[', b'"sigs":[],"more":['),
        )
    )
    return raw.replace(old, new, 1) if old in raw else raw[:-1]


def _repeat(_random, raw, _originals):
    return raw


_BYTES = {
    "flip": _flip,
    "cut": _cut,
    "grow": _grow,
    "swap": _swap,
    "replace": _replace,
    "repeat": _repeat,
}


def originals(key, now, to="area:village"):
    """A genuine message of every kind that may move a node: [(type, raw, message)]."""
    from protocol import messages

    airing = messages.Airing("a1", now, title="lũ", parts=(messages.Part("ab" * 32, 10, 1000),))
    said = [
        (MessageType.COMMAND, messages.Command("c1", "stop")),
        (MessageType.COMMAND, messages.Command("c2", "play", airing=airing)),
        (MessageType.AREA_STATE, messages.AreaState("village", 3, (airing,))),
        (MessageType.SCHEDULE, messages.ScheduleHead("village", 2, now + timedelta(days=30))),
        (MessageType.CONFIG, messages.NodeConfig("n1", "n1", area_path=("village",))),
        (MessageType.TRUST, messages.Trust(1, (messages.TrustedKey(key.verify_key.hex),))),
    ]
    expires = now + timedelta(days=1)
    return [
        (type_, seal(type_, Heading("main", to, "controller", seq, now, expires), m, [key]), m)
        for seq, (type_, m) in enumerate(said, 1)
    ]
