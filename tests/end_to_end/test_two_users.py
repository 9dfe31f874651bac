"""The service and the pages as two users: the pages reach no key, and everything still works."""

import json
import stat
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audio_library.store import Store
from controller.keys.signing import Keyring
from controller.usb import clip_packs
from device.settings import Settings
from tests.device.living import Living
from tests.support.recording import wav
from tests.support.site import Site
from tests.support.two_users import OWNERS, House, why_not

pytestmark = [pytest.mark.skipif(bool(why_not()), reason=why_not()), pytest.mark.timeout(180)]

DAY = timedelta(days=1)
PROBE = """
import json, os, sys
told = {}
for path in sys.argv[1:]:
    can = told[path] = ""
    for letter, flags in (("r", os.O_RDONLY), ("w", os.O_WRONLY)):
        try:
            os.close(os.open(path, flags))
            told[path] += letter
        except OSError:
            pass
    if os.path.isdir(path):
        try:
            made = os.path.join(path, "made-by-probe")
            os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            os.unlink(made)
            told[path] += "c"
        except OSError:
            pass
print(json.dumps(told))
"""


BACK_UP = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from controller.settings import load
from controller.upkeep import backups
assert backups.write(load(os.environ), Path(sys.argv[1]), datetime.now(UTC)).keys
"""


def _states(living):
    """What holds by area, as the node took it: signed by keys it trusts."""
    return living.node.documents._states


def _trusted(living):
    return set(living.node.gate.trusted.keys)  # the keys' short names


@pytest.fixture(scope="module")
def site():
    # Not among pytest's own folders, which are shut to other users anyway.
    with tempfile.TemporaryDirectory(prefix="loa-site-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        with Site.started(name) as site:
            yield site


@pytest.fixture(scope="module")
def house(site):
    with House.made(site) as house, site.watching(house.access), house.living():
        yield house


@pytest.fixture(scope="module")
def clip(house):
    boundary = uuid.uuid4().hex
    fields = {"title": "Bản thu thử", "topic": "5", "language": "vi"}
    fields |= {"area_id": house.areas["commune"]}
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    raw = "".join(parts).encode() + head.encode() + wav() + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    made = house.call("erin", "POST", "/clips", raw=raw, kind=kind)
    house.call("bob", "POST", f"/clips/{made['id']}/approve")
    return made["id"]


@pytest.fixture(scope="module")
def node(house, site, tmp_path_factory):
    """A node that was placed on the page and let in by the service: (node id, the node)."""
    place = {"name": "Loa 1", "code": "loa-01", "area_id": house.areas["upper"]}
    made = house.call("tom", "POST", "/nodes", place)
    keys = Keyring(house.settings.signing_key_file)
    living = Living(
        Settings(
            broker_url=site.tls_url,
            ca_file=str(site.files.authority),
            join_file=str(site.joining),
            controller_keys=(keys.current.verify_key.hex,),
            claim_code=made["claim_code"],
            data_dir=tmp_path_factory.mktemp("node") / "node",
            sink="null",
            clock="trusted",
        )
    )
    living.until(lambda: living.node.documents.bound and not living.node.link.joining, 40)
    yield made["id"], living
    assert living.end() == 0


def everything_in(*places):
    return [str(path) for place in places for path in (place, *place.rglob("*"))]


def test_the_pages_read_no_key_and_change_nothing_the_service_believes(house, site, node):
    settings = house.settings
    keys = settings.signing_key_file.parent
    private = everything_in(keys, house.access, house.credentials, site.files.directory)
    assert {"controller.key", "packs.key"} <= {path.name for path in keys.iterdir()}
    told = json.loads(house.python("pages", PROBE, *private))
    assert {path: can for path, can in told.items() if can} == {}
    told = json.loads(house.python("pages", PROBE, *everything_in(settings.service_dir)))
    assert {path: can for path, can in told.items() if set(can) - {"r"}} == {}
    assert told[str(settings.service_dir / "packs.pub")] == "r"


def test_the_service_reads_no_key_of_the_pages(house):
    folder = house.settings.secret_key_file.parent
    assert (folder / "web.key").exists()
    told = json.loads(house.python("service", PROBE, *everything_in(folder)))
    assert not any(told.values())


def test_what_both_use_is_the_group_s_and_nobody_else_s(house, clip):
    data = house.settings.data_dir
    for path in (data, *data.rglob("*")):
        status = path.lstat()
        assert status.st_gid == OWNERS.shared, path
        assert not stat.S_IMODE(status.st_mode) & 0o007, path
    names = {path.name for path in data.iterdir()}
    assert {"loalang.db", "loalang.db-wal", "loalang.db-shm", "store"} <= names


def test_the_service_signs_what_officials_schedule_on_the_page(house, clip, node):
    starts_at = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    wanted = {
        "title": "Phát thử", "items": [{"clip_id": clip}], "area_ids": [house.areas["commune"]],
        "class": "normal", "starts_at": starts_at.isoformat(),
    }  # fmt: skip
    made = house.call("erin", "POST", "/schedules", wanted)
    house.call("bob", "POST", f"/schedules/{made['id']}/approve")
    _, living = node
    held, days = (
        living.node.schedules,
        [(starts_at + DAY * n).date().isoformat() for n in (-1, 0, 1)],
    )
    living.until(lambda: held.airings(living.node.documents.config.area_path, days), 30)


def test_an_emergency_from_the_page_reaches_the_node(house, clip, node):
    """The node takes only what the service's key signed."""
    _, living = node
    wanted = {"clip_id": clip, "area_ids": [house.areas["upper"]], "drill": True}
    made = house.call("bob", "POST", "/emergencies", wanted)
    living.until(lambda: any(state.airings for state in _states(living).values()), 20)
    assert house.call("bob", "GET", f"/emergencies/{made['id']}")["state"] == "active"


def test_a_mass_emergency_needs_the_signer_whom_the_pages_cannot_even_ask(house, clip, node):
    rules = {"policy": {"approval": {"emergency_signatures": 2}}}
    house.call("alice", "PATCH", f"/areas/{house.areas['commune']}", rules)
    sounds = Store(house.settings.store_dir).hashes()  # the alert tone among them
    house.loalang("signer", "sign", "allow", "--folder", house.signer / "own", *sounds)
    wanted = {"clip_id": clip, "area_ids": [house.areas["commune"]], "drill": True}
    house.call("bob", "POST", "/emergencies", wanted)
    _, living = node
    commune = house.areas["commune"]
    living.until(lambda: commune in _states(living) and _states(living)[commune].airings, 30)
    told = json.loads(house.python("pages", PROBE, *everything_in(house.signer)))
    assert not any(told.values())
    asking = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    with pytest.raises(AssertionError, match="PermissionError"):
        house.python("pages", asking, house.signer / "sign.sock")


def test_keys_change_while_the_pages_know_nothing_of_it(house, clip, node):
    """Rotate, overlap, finish; the sealed copy follows, and the node obeys the new key alone."""
    _, living = node
    sealed = house.settings.service_dir / "keys.sealed"
    passphrase = house.folder / "passphrase"
    passphrase.write_text("abcd-efgh-ijkl-mnop")
    house.loalang("service", "keys", "passphrase", "--file", passphrase)
    before = sealed.read_bytes()
    house.loalang("service", "keys", "rotate")
    signing = Keyring(house.settings.signing_key_file).signing
    own, following = (key.verify_key for key in signing)
    living.until(lambda: _trusted(living) >= {own.kid, following.kid}, 20)
    assert sealed.read_bytes() != before
    # The second signer knows the first key only, and a mass emergency would go unsigned.
    with pytest.raises(AssertionError, match="--controller-key"):
        house.loalang("service", "keys", "finish")
    with house.second_signer(own.hex, following.hex):
        house.loalang("service", "keys", "finish")
    living.until(lambda: own.kid not in _trusted(living), 20)
    until = (datetime.now(UTC) + DAY).isoformat()
    silence = {"area_ids": [house.areas["upper"]], "mute_until": until}
    house.call("alice", "POST", "/stop", silence)
    living.until(lambda: any(state.muted_until for state in _states(living).values()), 20)


def test_the_pages_make_a_backup_without_a_key_in_it(house):
    """As the page does, by the pages' user; the service's keys are in it, sealed."""
    house.python("pages", BACK_UP, house.settings.data_dir / "all.tar")
    content = (house.settings.data_dir / "all.tar").read_bytes()
    assert b"sealed/service.json" in content
    for path in house.settings.signing_key_file.parent.glob("*.key"):
        assert path.read_text().strip().encode() not in content


def test_a_clip_pack_is_signed_by_the_service_for_the_page(house, clip):
    pack = house.call("erin", "GET", f"/packs?clips={clip}")
    (house.folder / "a.clips").write_bytes(pack)
    found, known = clip_packs.look(house.folder / "a.clips", house.settings)
    assert known
    assert [each.data["title"] for each in found.clips] == ["Bản thu thử"]


def test_a_stolen_node_is_shut_out_from_the_page(house, node):
    node_id, living = node
    living.until(lambda: living.node.link.connected, 30)  # nobody turned its loop for a while
    house.call("tom", "POST", f"/nodes/{node_id}/shut-out")
    living.until(lambda: not living.node.documents.bound, 30)
    text = house.access / "access"
    living.until(lambda: living.node.device_id not in text.read_text(), 15)
