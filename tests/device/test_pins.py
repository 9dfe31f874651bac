"""The keeper's process on gpiozero's mock pins: relays, inputs and what it tells the agent."""

import json

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from device.amplifier import KeeperProcess
from device.channel import pair
from device.wiring import Contact, Wiring, Zone

ZONES = (Zone("main", 17), Zone("market", 22, active_high=False))
INPUTS = {"fault": 5, "tamper": 6, "sense": 13, "busy": 19}


class Rig:
    """A keeper in this process, with the other ends of its sockets and its own inputs' pins."""

    def __init__(self, folder, max_on_s=30.0):
        (self.agent, keepers_agent), (self.player, keepers_player) = pair(), pair()
        self.agent.setblocking(False)
        contacts = {name: Contact(pin) for name, pin in INPUTS.items()}
        self.path = folder / "amplifier.jsonl"
        wiring = Wiring(ZONES, contacts, 27, max_on_s, str(self.path))
        self.process = KeeperProcess(keepers_agent, keepers_player, wiring)
        self.told = []

    def hold(self, airing_id="a", zones=("main",)):
        message = {"cmd": "hold", "airing_id": airing_id, "zones": list(zones)}
        self.player.send(json.dumps(message).encode())

    def release(self):
        self.player.send(json.dumps({"cmd": "release"}).encode())

    def contact(self, name, *, closed):
        pin = Device.pin_factory.pin(INPUTS[name])
        pin.drive_low() if closed else pin.drive_high()

    def until(self, condition, seconds=6.0, each_turn=lambda: None):
        deadline = self.process.loop.monotonic() + seconds
        while not condition():
            assert self.process.loop.monotonic() < deadline, self.told
            each_turn()
            self.process.loop.turn(0.02)
            self._listen()

    def _listen(self):
        while True:
            try:
                event = json.loads(self.agent.recv(65536))
            except BlockingIOError:
                return
            if event["event"] != "beat":
                self.told.append(event)

    def heard(self, **wanted):
        return any(wanted.items() <= event.items() for event in self.told)

    def levels(self):
        """The level of each relay's pin."""
        relays = self.process.relays
        return {name: bool(relay._device.pin.state) for name, relay in relays.items()}

    def states(self, zone):
        """(seconds since the last change, level) as gpiozero's mock pin kept them."""
        return [
            (round(state.timestamp, 1), state.state)
            for state in self.process.relays[zone]._device.pin.states
        ]


OFF = {"main": False, "market": True}


@pytest.fixture
def rig(tmp_path, monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setattr(Device, "pin_factory", MockFactory())
    rig = Rig(tmp_path)
    yield rig
    rig.process.close()
    rig.agent.close()
    rig.player.close()


def test_each_airing_switches_its_own_amplifiers_each_by_its_own_polarity(rig):
    assert rig.levels() == OFF
    rig.hold(zones=["market"])
    rig.until(lambda: rig.levels() == {"main": False, "market": False})
    rig.hold("b", zones=["main", "market"])
    rig.until(lambda: rig.levels() == {"main": True, "market": False})
    rig.hold("b", zones=["main"])
    rig.until(lambda: rig.levels() == {"main": True, "market": True})
    rig.release()
    rig.until(lambda: rig.levels() == OFF)
    lines = [json.loads(line) for line in rig.path.read_text().splitlines()]
    assert [(line.get("zone"), line["on"]) for line in lines] == [
        ("market", True),
        (None, True),
        ("market", False),
        (None, False),
    ]


def test_a_zone_nobody_wired_means_all_of_them(rig):
    rig.hold(zones=["attic"])
    rig.until(lambda: rig.levels() == {"main": True, "market": False})


def test_a_player_that_hangs_has_the_amplifier_for_one_lease(rig):
    rig.hold()
    rig.until(lambda: rig.levels()["main"])
    rig.until(lambda: not rig.levels()["main"])
    (_, _), (_, on), (after_s, off) = rig.states("main")
    assert (on, off) == (True, False)
    assert 0.9 <= after_s < 3
    rig.until(lambda: rig.heard(event="fault", reason="lease", airing_id="a"))


def test_a_player_that_never_lets_go_has_the_longest_time(tmp_path, rig):
    rig.process.keeper._max_on_s = 1.5
    rig.hold()
    rig.until(lambda: rig.heard(event="fault", reason="limit"), each_turn=rig.hold)
    (_, _), (_, _), (after_s, _) = rig.states("main")
    assert 1.4 <= after_s < 4
    rig.until(lambda: rig.levels() == OFF)


def test_a_pin_that_is_on_without_an_item_is_switched_off_and_a_fault(rig):
    rig.process.relays["main"]._device.on()
    rig.until(lambda: rig.heard(event="fault", reason="stray"))
    assert rig.levels() == OFF


def test_power_without_an_item_is_a_fault_until_it_goes(rig):
    rig.contact("sense", closed=True)
    rig.until(lambda: rig.heard(event="fault", reason="stray"))
    rig.contact("sense", closed=False)
    rig.until(lambda: rig.heard(event="fault_over", reason="stray"))


def test_an_amplifier_that_gets_no_power_is_a_fault(rig):
    rig.until(lambda: rig.heard(event="fault", reason="dead", airing_id="a"), each_turn=rig.hold)


def test_the_amplifiers_own_fault_is_told_with_each_airing_it_spoils(rig):
    rig.contact("fault", closed=True)
    rig.until(lambda: rig.heard(event="fault", reason="input", airing_id=""))
    rig.hold("b")
    rig.until(lambda: rig.heard(event="fault", reason="input", airing_id="b"))
    rig.contact("fault", closed=False)
    rig.until(lambda: rig.heard(event="fault_over", reason="input"))


def test_an_opened_cabinet_is_told(rig):
    rig.contact("tamper", closed=True)
    rig.until(lambda: rig.heard(event="input", name="tamper", active=True))


def test_a_contact_that_chatters_is_told_once_it_rests(rig):
    for closed in (True, False, True, False, True):
        rig.contact("tamper", closed=closed)
    rig.until(lambda: rig.heard(name="tamper", active=True))
    assert len([event for event in rig.told if event.get("name") == "tamper"]) == 1


def test_an_amplifier_the_village_speaks_through_is_not_switched_off(rig):
    rig.hold()
    rig.until(lambda: rig.levels()["main"])
    rig.contact("busy", closed=True)
    rig.until(lambda: rig.heard(name="busy", active=True), each_turn=rig.hold)
    rig.release()
    rig.until(lambda: rig.process.keeper._lease is None)
    assert rig.levels()["main"]
    rig.contact("busy", closed=False)
    rig.until(lambda: rig.levels() == OFF)
    assert not rig.heard(event="fault")


def test_a_microphone_left_on_does_not_keep_the_amplifier_for_ever(rig):
    rig.process.keeper._max_on_s = 1.0
    rig.contact("busy", closed=True)
    rig.until(lambda: rig.heard(name="busy", active=True))
    rig.hold()
    rig.until(lambda: rig.levels()["main"])
    rig.release()
    rig.until(lambda: rig.levels() == OFF)
    assert rig.heard(event="fault", reason="limit")


def test_the_button_ends_even_what_the_village_speaks_over(rig):
    rig.contact("busy", closed=True)
    rig.hold()
    rig.until(lambda: rig.levels()["main"])
    Device.pin_factory.pin(27).drive_low()
    rig.until(lambda: rig.heard(event="button"))
    assert rig.levels() == OFF
    rig.hold()
    rig.until(lambda: rig.process.loop.monotonic() > 0)
    assert rig.levels() == OFF, "the same airing does not come back on"
    assert not rig.heard(event="fault"), "somebody's wish is no fault"


@pytest.mark.parametrize("peer", ["agent", "player"])
def test_a_peer_that_is_gone_switches_off_at_once(rig, peer):
    rig.hold(zones=["main", "market"])
    rig.until(lambda: rig.levels()["main"])
    end = rig.player if peer == "player" else rig.agent
    end.close()
    deadline = rig.process.loop.monotonic() + 3
    while rig.levels() != OFF:
        assert rig.process.loop.monotonic() < deadline
        rig.process.loop.turn(0.02)
