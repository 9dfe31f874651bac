"""Who knocks at every door, and what lies behind: for the matrix of roles.

Inside is Xã Tân Lập of `tests.web.village`, the head that of thôn Hạ; outside is Xã Khác with one
person of every role; beyond the head's fence is thôn Đông. Every request that changed something is
taken back, so that all find the same commune.
"""

import io
import re
import shutil
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from controller.accounts import passwords, people, tokens
from controller.accounts.access import SYSTEM, Actor
from controller.accounts.people import UserInput
from controller.database import transaction
from controller.emergency import emergencies
from controller.emergency.emergencies import EmergencyInput
from controller.models import Role, User
from controller.scheduling import approvals, schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from controller.upkeep import alerts
from tests.controller.factories import make_clip
from tests.web.village import CAST, NOW, PASSWORD, airing_of, cookie_of, signed_in

ROLES = {
    "E": Role.EDITOR,
    "A": Role.APPROVER,
    "T": Role.TECHNICIAN,
    "H": Role.VILLAGE_HEAD,
    "D": Role.ADMINISTRATOR,
    "V": Role.VIEWER,
}
INSIDE = {"E": "erin", "A": "bob", "T": "tom", "H": "hoa", "D": "alice", "V": "vera"}
MADE_UP = "0000000000000000"


@dataclass(frozen=True)
class Answer:
    """What came back, as far as the matrix cares."""

    status: int
    location: str
    text: str

    @property
    def mark(self):
        """+ let in, - the role is too small, . nothing there, ? who are you."""
        if self.status == 401 or self.location.startswith("/login"):
            return "?"
        return {403: "-", 404: "."}.get(self.status, "+")


@dataclass
class Street:
    """The application, everybody's keys, and the ids behind the doors."""

    app: Any
    folder: object
    village: Any
    users: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)
    doors: dict = field(default_factory=dict)  # inside / neighbour / made up → name → id

    def knock(self, who, method, path, body, doors):
        """`who` None: nobody. A request that changed something is taken back."""
        ids = self.doors[doors]
        address = path.format(**ids)
        client = self.app.test_client()
        more = self._sent(address, method, body, ids)
        if who and address.startswith("/api/"):
            more["headers"] = {"Authorization": f"Bearer {self.tokens[who]}"}
        elif who:
            with client.session_transaction() as session:
                session.update(self._session(who))
        self.app.extensions["loalang_limits"].reset()
        with client.open(address, method=method, **more) as answer:
            text = "" if "event-stream" in answer.content_type else self._plain(answer, ids)
            found = Answer(answer.status_code, answer.headers.get("Location", ""), text)
        if method != "GET" and found.status < 400:
            self.take_back()
        return found

    def keep(self):
        """Remember the commune as it is now."""
        self._engine().dispose()
        shutil.copy(self.folder / "loalang.db", self.folder / "kept.db")

    def take_back(self):
        self._engine().dispose()
        for name in ("loalang.db-wal", "loalang.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.copy(self.folder / "kept.db", self.folder / "loalang.db")

    def words(self):
        """What an outsider must never read: names and ids of the commune."""
        ids = [*self.village.areas.values(), *self.village.nodes.values()]
        ids += [*self.village.clips.values(), *self.village.schedules.values()]
        theirs = {self.village.areas["elsewhere"], self.village.areas["far"]}
        theirs.add(self.village.nodes["far"])
        names = ["Tân Lập", "Cụm Hạ", "TL-04", "Bản tin sáng của xã", "Cài VNeID mức độ 2"]
        names += [CAST[name][0] for name in INSIDE.values()]
        return names + [each for each in ids if each not in theirs]

    def _session(self, who):
        return cookie_of(self.users[who])

    def _sent(self, address, method, body, ids):
        if method == "GET" or body is None:
            return {}
        filled = _filled(body, ids)
        if "file" in filled:
            filled["file"] = (io.BytesIO(b"khong phai am thanh" * 99), "hong.mp3")
            return {"data": filled}
        return {"json" if address.startswith("/api/") else "data": filled}

    def _engine(self):
        return self.app.extensions["loalang"].engine

    def _plain(self, answer, ids):
        """The text without what differs from call to call, and without what was asked for."""
        if "text" not in answer.content_type and "json" not in answer.content_type:
            return ""
        text = re.sub(r'name="(csrf_token|once)" value="[^"]*"', "", answer.text)
        for each in ids.values():
            text = text.replace(each, "·")
        return text


def _filled(body, ids):
    if isinstance(body, str):
        return body.format(**ids)
    if isinstance(body, list):
        return [_filled(each, ids) for each in body]
    if isinstance(body, dict):
        return {name: _filled(each, ids) for name, each in body.items()}
    return body


def settle(app, folder, village):
    """Add people outside, keys for all, and something in one village only."""
    street = Street(app, folder, village)
    with transaction(app.extensions["loalang"].engine) as session:
        for letter, role in ROLES.items():
            area = village.areas["far" if letter == "H" else "elsewhere"]
            data = UserInput(f"out-{letter.lower()}", f"Khách {letter}", role, area)
            street.users[letter.lower()] = people.create(session, SYSTEM, data, NOW)[0].id
            signed_in(session, street.users[letter.lower()])
            street.users[letter] = village.users[INSIDE[letter]]
        for who, user_id in street.users.items():
            street.tokens[who] = tokens.create(session, SYSTEM, user_id, "matrix", NOW)[1]
        session.execute(update(User).values(password_hash=passwords.hashed(PASSWORD)))
    street.doors = {
        "inside": _behind(street, "Hạ", "hoa"),
        "neighbour": _behind(street, "Đông", "vera"),
    }
    street.doors["made up"] = dict.fromkeys(street.doors["inside"], MADE_UP)
    street.keep()
    return street


def _behind(street, name, person):
    """Ids of one village: its area, cluster, clip, broadcast, airing, emergency and a person."""
    services, village = street.app.extensions["loalang"], street.village
    area = village.areas[name]
    bob = Actor(village.users["bob"], "bob", Role.APPROVER, village.areas["commune"])
    with transaction(services.engine) as session:
        clip = make_clip(session, title=f"Riêng {name}", area_id=area, now=NOW)
        data = ScheduleInput(
            title=f"Lịch riêng {name}",
            items=[ItemInput(clip.id)],
            area_ids=[area],
            starts_at="2026-11-24T10:00",
        )
        schedule, _draft = schedules.create(session, bob, data, NOW)
        approvals.approve_schedule(session, bob, schedule.id, NOW)
        emergency = emergencies.begin(session, bob, EmergencyInput(clip.id, [area], True), NOW)
        target = alerts.add(session, SYSTEM, area, "Tâm", "json://127.0.0.1:9/", NOW)
        ids = {
            "alert": target.id,
            "clip": clip.id,
            "schedule": schedule.id,
            "emergency": emergency.id,
        }
    with transaction(services.engine) as session:
        data = ScheduleInput("Đang chờ", [ItemInput(ids["clip"])], [area], "2026-11-25T10:00")
        ids["pending"] = schedules.create(session, bob, data, NOW)[0].id
    morning = airing_of(services, village.schedules["morning"], on="2026-11-22").id
    airing = airing_of(services, ids["schedule"]).id
    places = {"area": area, "node": village.nodes[name], "user": village.users[person]}
    places["session"] = f"browser{village.users[person]}"
    return {**ids, **places, "airing": airing, "morning": morning}


def of_others(street):
    """Ids of the other commune's own things, for somebody there who names one of ours beside."""
    services, village = street.app.extensions["loalang"], street.village
    area = village.areas["elsewhere"]
    charlie = Actor(street.users["d"], "d", Role.ADMINISTRATOR, area)
    with transaction(services.engine) as session:
        clip = make_clip(session, title="Của xã khác", area_id=area, now=NOW)
        data = ScheduleInput("Lịch xã khác", [ItemInput(clip.id)], [area], "2026-11-24T12:00")
        schedule = schedules.create(session, charlie, data, NOW)[0]
        clip_id, schedule_id = clip.id, schedule.id
    own = {"area": area, "node": village.nodes["far"], "user": street.users["v"]}
    own |= {"clip": clip_id, "schedule": schedule_id}
    return {f"own_{name}": each for name, each in own.items()}
