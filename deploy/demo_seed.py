"""The demo's people and places: two communes, their villages, users with passwords, nodes.

Everything is looked for by its code or user name first, so a second run on the same folder finds
what the first one made and keeps passwords, token and claim codes.
"""

import json
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from controller.accounts import people, tokens
from controller.accounts.access import SYSTEM
from controller.accounts.people import UserInput
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.database import reading, transaction
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.models import Area, Device, DeviceBinding, Node, Role, User
from deploy.files import write_atomically

OPEN_COMMUNE = "demo-xa-mau"
STRICT_COMMUNE = "demo-xa-nghiem"
_STRICT_POLICY: dict[str, Any] = {
    "permit": [
        {"days": [1, 2, 3, 4, 5, 6, 7], "from": "05:30", "to": "06:30"},
        {"days": [1, 2, 3, 4, 5, 6, 7], "from": "17:00", "to": "18:00"},
    ],
    "max_sessions_per_day": 2,
    "approval": {
        "clip": True,
        "schedule": True,
        "author_may_approve": False,
        "emergency_people": 2,
    },
    "source": "Quy chế hoạt động đài truyền thanh xã (ví dụ)",
}
_VILLAGES = ("Thượng", "Trung", "Hạ", "Đông", "Tây", "Nam", "Bắc")
_PEOPLE = {
    "quantri": ("Nguyễn Thị Quản Trị", Role.ADMINISTRATOR, None),
    "bientap": ("Trần Văn Biên Tập", Role.EDITOR, OPEN_COMMUNE),
    "duyet": ("Lê Thị Duyệt", Role.APPROVER, OPEN_COMMUNE),
    "kythuat": ("Phạm Văn Kỹ Thuật", Role.TECHNICIAN, OPEN_COMMUNE),
    "xem": ("Hoàng Thị Xem", Role.VIEWER, OPEN_COMMUNE),
}


@dataclass(slots=True)
class Secrets:
    """What only the demo knows, kept in a file of its own (mode 0600)."""

    token: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    claim_codes: dict[str, str] = field(default_factory=dict)  # node code → claim code

    @classmethod
    def read(cls, path: Path) -> "Secrets":
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()

    def write(self, path: Path) -> None:
        write_atomically(path, json.dumps(asdict(self)).encode(), mode=0o600)


@dataclass(frozen=True, slots=True)
class Seeded:
    """Where the samples belong, and the nodes (code → id) in order."""

    commune_id: str
    nodes: dict[str, str]


def seed(engine: Engine, known: Secrets, count: int, now: datetime) -> Seeded:
    """Make what is missing for `count` nodes; `known` is filled in."""
    with transaction(engine) as session:
        commune_id = _area(session, OPEN_COMMUNE, AreaInput("Xã Mẫu", "xã"), now)
        _strict_commune(session, now)
        villages = [_village(session, commune_id, number, now) for number in range(count)]
        found = dict(
            _node(session, known, number, area_id, now) for number, area_id in enumerate(villages)
        )
        _people(session, known, now)
    return Seeded(commune_id, found)


def write_logins(path: Path, url: str, known: Secrets) -> str:
    """The logins as text, also into a file nobody else may read."""
    lines = [f"{url}", *(f"{name:<10} {word}" for name, word in known.passwords.items())]
    text = "\n".join(lines) + "\n"
    write_atomically(path, text.encode(), mode=0o600)
    return text


def online(engine: Engine, node_ids: set[str]) -> set[str]:
    """Which of these nodes are bound to a device that is there now."""
    query = (
        select(DeviceBinding.node_id)
        .join(Device, Device.id == DeviceBinding.device_id)
        .where(DeviceBinding.node_id.in_(node_ids), DeviceBinding.until_at.is_(None), Device.online)
    )
    with reading(engine) as session:
        return set(session.scalars(query))


def _strict_commune(session: Session, now: datetime) -> None:
    about = AreaInput("Xã Nghiêm Minh", "xã", policy=_STRICT_POLICY)
    commune_id = _area(session, STRICT_COMMUNE, about, now)
    for number, name in enumerate(("An", "Bình"), 1):
        village = AreaInput(f"Thôn {name}", "thôn", parent_id=commune_id)
        _area(session, f"{STRICT_COMMUNE}-{number:02}", village, now)


def _village(session: Session, commune_id: str, number: int, now: datetime) -> str:
    name = _VILLAGES[number] if number < len(_VILLAGES) else str(number + 1)
    about = AreaInput(f"Thôn {name}", "thôn", parent_id=commune_id)
    return _area(session, f"{OPEN_COMMUNE}-{number + 1:02}", about, now)


def _area(session: Session, code: str, about: AreaInput, now: datetime) -> str:
    area_id = session.scalar(select(Area.id).where(Area.code == code))
    if area_id:
        return area_id
    return area_edits.create(session, SYSTEM, replace(about, code=code), now).id


def _node(
    session: Session, known: Secrets, number: int, area_id: str, now: datetime
) -> tuple[str, str]:
    code = f"loa-{number + 1:02}"
    node = session.scalar(select(Node).where(Node.code == code))
    if node is None:
        name = session.get_one(Area, area_id).name
        node, claim = nodes.create(
            session, SYSTEM, NodeInput(f"Cụm loa {name}", code, area_id), now
        )
        known.claim_codes[code] = claim
    return code, node.id


def _people(session: Session, known: Secrets, now: datetime) -> None:
    for username, (name, role, area_code) in _PEOPLE.items():
        user = session.scalar(select(User).where(User.username == username))
        if user is not None and username in known.passwords:
            continue
        area_id = session.scalar(select(Area.id).where(Area.code == area_code))
        if user is None:
            about = UserInput(username, name, role, area_id if area_code else None)
            user, _link = people.create(session, SYSTEM, about, now)
        known.passwords[username] = secrets.token_urlsafe(12)
        people.set_password(session, SYSTEM, user.id, known.passwords[username], now)
    if not known.token:
        owner = session.scalars(select(User).where(User.username == "quantri")).one()
        _row, known.token = tokens.create(session, SYSTEM, owner.id, "demo", now)
