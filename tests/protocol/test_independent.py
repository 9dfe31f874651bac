"""Somebody else's implementation, written from protocol/README.md alone: mosquitto's own command
line clients, JSON and Ed25519. It talks to a real node and to the real service.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from controller import settings
from controller.accounts.access import SYSTEM
from controller.database import open_engine, sqlite_url, transaction
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.keys import signing
from controller.schema import upgrade
from controller.service import Service
from device.settings import Settings
from tests.device.conftest import make_clip
from tests.device.living import Living
from tests.support.broker import Broker
from tests.support.commune import settle
from tests.support.waiting import wait_until


class Stranger:
    """Signs and reads by the page; knows nothing of this program."""

    def __init__(self, port, sender=None):
        self.port = port
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.kid = hashlib.sha256(self.public).hexdigest()[:16]
        self.device_id = hashlib.sha256(self.public).hexdigest()[:32]
        self.sender = sender or self.device_id
        self.seq = int(time.time() * 1000)

    def sealed(self, type_, to, body):
        self.seq += 1
        now = datetime.now(UTC)
        heading = {
            "site": "main",
            "to": to,
            "from": self.sender,
            "seq": self.seq,
            "issued_at": now.isoformat(timespec="milliseconds"),
            "expires_at": (now + timedelta(minutes=5)).isoformat(timespec="milliseconds"),
        }
        body = json.dumps(heading | body).encode()
        sig = base64.b64encode(self.key.sign(b"loalang/v1/" + type_.encode() + b"\0" + body))
        header = {"sigs": [{"kid": self.kid, "sig": sig.decode()}], "type": type_, "v": 1}
        return json.dumps(header, separators=(",", ":")).encode() + b"\n" + body

    def publish(self, topic, payload, *options):
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.port), "-t", topic, "-q", "1", "-s", *options],
            input=payload,
            check=True,
            timeout=20,
        )

    def hear(self, topic):
        """The next message there, as bytes; begins to listen at once."""
        return subprocess.Popen(
            [
                "mosquitto_sub",
                "-p",
                str(self.port),
                "-t",
                topic,
                "-q",
                "1",
                "-C",
                "1",
                "-N",
                "-W",
                "20",
            ],
            stdout=subprocess.PIPE,
        )


def opened(raw, type_, public):
    """Verify the bytes as received, then parse."""
    head, _, body = raw.partition(b"\n")
    header = json.loads(head)
    assert (header["v"], header["type"]) == (1, type_)
    kid = hashlib.sha256(public).hexdigest()[:16]
    sig = next(each["sig"] for each in header["sigs"] if each["kid"] == kid)
    signed = b"loalang/v1/" + type_.encode() + b"\0" + body
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(sig), signed)
    return json.loads(body)


def waits(listener):
    """Whether nothing came yet, after giving it a moment."""
    try:
        listener.wait(0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def told(listener):
    """What came to a listener."""
    out, _ = listener.communicate(timeout=25)
    assert out, "nothing came"
    return out


@pytest.fixture
def broker(tmp_path):
    with Broker.started(tmp_path / "broker") as broker:
        yield broker


def test_a_controller_written_from_the_page_binds_and_commands_a_node(broker, tmp_path):
    stranger = Stranger(broker.port, sender="controller")
    living = Living(
        Settings(
            broker_url=broker.url,
            controller_keys=(stranger.public.hex(),),
            data_dir=tmp_path / "data",
            sink="null",
            clock="trusted",
        )
    )
    node = living.node
    device = f"device:{node.device_id}"
    base = f"loa/v1/main/device/{node.device_id}"
    living.until(lambda: node.link.connected)
    config = stranger.sealed("config", device, {"node_id": "n", "area_path": ["a"], "later": 1})
    stranger.publish(f"{base}/dn/config", config, "-r")
    living.until(lambda: node.documents.bound)
    listener = stranger.hear(f"{base}/up/answer")
    order = {"command_id": "c1", "verb": "dance"}

    def ask_until_answered():
        while waits(listener):
            command = stranger.sealed("command", device, order)
            stranger.publish(f"{base}/dn/command", command)

    asking = threading.Thread(target=ask_until_answered)
    asking.start()
    living.until(lambda: listener.poll() is not None, 20)
    asking.join(10)
    answer = opened(told(listener), "answer", node.key.verify_key.raw)
    assert (answer["verb"], answer["ok"], answer["problem"]) == ("dance", False, "unknown_verb")
    assert living.end() == 0


def test_a_controller_written_from_the_page_has_a_node_fetch_play_and_report(broker, tmp_path):
    """A whole cycle: config, schedule, page, clip, report, acknowledgement; then an emergency."""
    sound = make_clip(0.5)[0]
    stranger = Stranger(broker.port, sender="controller")
    living = Living(
        Settings(
            broker_url=broker.url,
            controller_keys=(stranger.public.hex(),),
            data_dir=tmp_path / "data",
            sink="null",
            clock="trusted",
        )
    )
    node = living.node
    base = f"loa/v1/main/device/{node.device_id}"

    def cast(name, body, way="area/a/dn", *options):
        to = f"device:{node.device_id}" if name in ("config", "ack") else "area:a"
        channel = {"area_state": "state"}.get(name, name)
        sealed = stranger.sealed(name, to, body)
        stranger.publish(f"loa/v1/main/{way}/{channel}", sealed, *options)

    def clip(airing_id, in_s, **more):
        part = {"sha256": blob(sound), "bytes": len(sound), "duration_ms": 500, "kind": "clip"}
        at = datetime.now(UTC) + timedelta(seconds=in_s)
        return {"airing_id": airing_id, "starts_at": at.isoformat(), "parts": [part], **more}

    def blob(content):
        """Publish its chunks, and give its name."""
        name = hashlib.sha256(content).hexdigest()
        for index in range(0, len(content), 16384):
            topic = f"loa/v1/main/blob/{name[:32]}/c/{index // 16384}"
            stranger.publish(topic, content[index : index + 16384], "-r")
        return name

    now = datetime.now(UTC)
    airing = clip("by-hand", 6)
    days = [(now + timedelta(days=n)).date().isoformat() for n in (0, 1)]
    pages = []
    for day in days:
        airings = [airing] if airing["starts_at"].startswith(day) else []
        said = {"area_id": "a", "day": day, "airings": airings, "windows": None}
        page = zlib.compress(json.dumps(said).encode())
        pages.append({"day": day, "sha256": blob(page), "bytes": len(page)})
    head = {"area_id": "a", "revision": 1, "pages": pages}
    cast("config", {"node_id": "n", "area_path": ["a"]}, f"device/{node.device_id}/dn", "-r")
    until = (now + timedelta(days=2)).isoformat()
    cast("schedule", head | {"until": until}, "area/a/dn", "-r")
    first = stranger.hear(f"{base}/up/report")
    living.until(lambda: first.poll() is not None, 30)
    batch = opened(told(first), "reports", node.key.verify_key.raw)
    assert {report["airing_id"] for report in batch["reports"]} == {"by-hand"}
    living.until(lambda: len(node.outbox) == 2, 20)  # started and finished, until acknowledged
    ack = {"store_epoch": batch["store_epoch"], "upto": 2}
    cast("ack", ack, f"device/{node.device_id}/dn")
    living.until(lambda: len(node.outbox) == 0)

    urgent = clip("urgent", 1, **{"class": "emergency", "origin": "emergency", "late_s": 600})
    cast("area_state", {"area_id": "a", "revision": 1, "airings": [urgent]}, "area/a/dn", "-r")
    second = stranger.hear(f"{base}/up/report")
    living.until(lambda: len(node.outbox) == 2, 20)
    living.until(lambda: second.poll() is not None, 30)
    assert opened(told(second), "reports", node.key.verify_key.raw)["reports"]
    played = [r for r in node.outbox.owed(10) if r.kind == "finished"]
    assert [(r.airing_id, r.outcome) for r in played] == [("urgent", "played")]
    assert living.end() == 0


@pytest.fixture
def service(broker, tmp_path):
    """(the controller's public key, a claim code) of a running service."""
    engine = open_engine(sqlite_url(tmp_path / "loalang.db"))
    upgrade(engine)
    area = settle(engine).areas["upper"]
    given = {"LOALANG_DATA_DIR": str(tmp_path / "data"), "LOALANG_BROKER_URL": broker.url}
    chosen = settings.load(given)
    with transaction(engine) as session:
        made = nodes.create(session, SYSTEM, NodeInput("Loa", "loa", area), datetime.now(UTC))
    public = signing.load_or_create(chosen.signing_key_file).verify_key.raw
    stop = threading.Event()
    running = Service(chosen, engine, lambda: datetime.now(UTC))
    thread = threading.Thread(target=running.run, args=(stop,))
    thread.start()
    wait_until(lambda: running.link.up)
    yield public, made[1]
    stop.set()
    thread.join(15)
    engine.dispose()


def test_a_node_written_from_the_page_enrols_and_reports(broker, service):
    controller, code = service
    stranger = Stranger(broker.port)
    base = f"loa/v1/main/device/{stranger.device_id}"
    config = stranger.hear(f"{base}/dn/config")
    secret = code.upper().replace("-", "").encode()
    proof = hmac.new(secret, b"loalang/claim\0" + stranger.public, hashlib.sha256).hexdigest()
    claim = {"public_key": stranger.public.hex(), "proof": proof, "hardware": "by hand"}
    topic = f"loa/v1/main/claim/{stranger.device_id}/up/claim"
    stranger.publish(topic, stranger.sealed("claim", "site", claim))
    body = opened(told(config), "config", controller)
    assert body["to"] == f"device:{stranger.device_id}"
    assert body["node_code"] == "loa"
    assert body["area_path"]

    ack = stranger.hear(f"{base}/dn/ack")
    report = {
        "seq": 1,
        "kind": "finished",
        "airing_id": "0f" * 16,
        "planned_at": datetime.now(UTC).isoformat(),
        "at": datetime.now(UTC).isoformat(),
        "outcome": "played",
    }
    said = {"store_epoch": "mine", "reports": [report]}
    # A listener that is not there yet hears no ack, so the batch is said until one comes.
    while waits(ack):
        stranger.publish(f"{base}/up/report", stranger.sealed("reports", "site", said))
    body = opened(told(ack), "ack", controller)
    assert body["store_epoch"] == "mine"
    assert body["upto"] == 1 or 1 in body["also"]
