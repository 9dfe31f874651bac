"""Commands to a node: obeyed once, answered always, refused when stale, stop before play."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from device.settings import Settings
from protocol.codec import format_time
from protocol.envelope import MessageType
from protocol.messages import Command
from tests.device.conftest import make_clip
from tests.device.living import Living
from tests.device.test_story import AREA, airing_of, bound


@pytest.fixture
def living(tmp_path, broker, controller):
    controller.config = bound
    settings = Settings(
        broker_url=f"mqtt://127.0.0.1:{broker.port}",
        controller_keys=(controller.key.verify_key.hex,),
        data_dir=tmp_path / "data",
        sink="null",
        clock="trusted",
    )
    living = Living(settings, log_tail=lambda count: f"{count} lines")
    living.until(lambda: controller.statuses)
    yield living
    living.end()


def ask(living, controller, verb, **options):
    """The answer to a command."""
    before = len(controller.answers)
    raw = controller.command(living.node.device_id, verb, **options)
    living.until(lambda: len(controller.answers) > before)
    return controller.answers[-1], raw


def test_an_unknown_verb_is_answered_and_nothing_is_done(living, controller):
    answer, _ = ask(living, controller, "dance")
    assert (answer["ok"], answer["problem"]) == (False, "unknown_verb")


def test_the_newest_log_lines_are_told(living, controller):
    answer, _ = ask(living, controller, "log_tail", lines="7")
    assert (answer["ok"], answer["detail"]) == (True, "7 lines")


def test_a_volume_that_is_none_is_malformed(living, controller):
    assert ask(living, controller, "volume", pct="80")[0]["ok"]
    assert ask(living, controller, "volume", pct="800")[0]["problem"] == "malformed"
    assert ask(living, controller, "volume", pct="loud")[0]["problem"] == "malformed"


@pytest.mark.parametrize(("args", "hard"), [({}, False), ({"hard": "1"}, True)])
def test_a_stop_fades_unless_it_is_to_be_hard(living, controller, args, hard):
    content, frames = make_clip(1.0)
    controller.seed(content)
    controller.schedule(AREA, [])
    living.until(lambda: living.node.planner.hours.spans)
    play = airing_of(content, frames, datetime.now(UTC) + timedelta(seconds=2), "t1")
    play = replace(play, parts=(replace(play.parts[0], duration_ms=60_000),))
    assert ask(living, controller, "play", airing=play)[0]["ok"]
    living.until(lambda: living.node.stage.playing == "t1")
    sent = []
    deliver = living.node.sound.send
    living.node.sound.send = lambda message: sent.append(message) or deliver(message)
    assert ask(living, controller, "stop", **args)[0]["ok"]
    assert [m.get("hard", False) for m in sent if m["cmd"] == "stop"] == [hard]


def test_a_mute_is_kept_over_a_restart_and_lifted_again(living, controller, tmp_path):
    until = datetime.now(UTC) + timedelta(hours=1)
    assert ask(living, controller, "mute", until=format_time(until))[0]["ok"]
    assert "muted_here" in living.node.health.problems()
    kept = living.node.counters.extra["mute_until"]
    assert datetime.fromisoformat(kept) == until.replace(
        microsecond=until.microsecond // 1000 * 1000
    )
    assert ask(living, controller, "mute", until="")[0]["ok"]
    assert living.node.documents.orders.muted_until is None


def test_a_replayed_command_is_refused(living, controller):
    _, raw = ask(living, controller, "resync")
    topic = controller.topics.to_device(living.node.device_id, "command")
    controller.client.publish(topic, raw, qos=1)
    living.until(lambda: living.node.gate.refused["replayed"] == 1)


def test_a_retained_command_is_somebodys_mistake(living, controller):
    node = living.node
    topic = controller.topics.to_device(node.device_id, "command")
    raw = controller.sealed(MessageType.COMMAND, Command("c", "stop"), f"device:{node.device_id}")
    node.desk.command(topic, raw, retained=True)
    assert node.documents.local_stop is None


def test_a_play_issued_before_a_stop_does_not_sound(living, controller):
    node = living.node
    content, frames = make_clip(1.0)
    controller.seed(content)
    airing = airing_of(content, frames, datetime.now(UTC) + timedelta(seconds=5), "old")
    controller.seq += 1
    early = controller.seq
    assert ask(living, controller, "stop")[0]["ok"]
    topic = controller.topics.area_command(AREA)
    late = controller.sealed(
        MessageType.COMMAND, Command("c", "play", {}, airing), f"area:{AREA}", seq=early
    )
    node.desk.command(topic, late, retained=False)
    assert node.planner.coming(node.clock.now()) is None


def test_a_stop_ends_an_older_play_that_waits_for_its_clip_or_its_turn(living, controller):
    node = living.node
    content, frames = make_clip(1.0)  # nobody seeds it
    airing = airing_of(content, frames, datetime.now(UTC) + timedelta(seconds=60), "waits")
    assert ask(living, controller, "play", airing=airing)[0]["ok"]
    assert node.planner.coming(node.clock.now())
    assert ask(living, controller, "stop")[0]["detail"] == "1 stopped"
    assert node.planner.coming(node.clock.now()) is None
    living.until(lambda: controller.outcomes(node.device_id).get("waits"))
    report = controller.outcomes(node.device_id)["waits"]
    assert (report.outcome, report.reason) == ("stopped", "operator")


def test_an_older_stop_that_comes_late_spares_a_newer_play(living, controller):
    node = living.node
    content, frames = make_clip(1.0)
    airing = airing_of(content, frames, datetime.now(UTC) + timedelta(seconds=60), "newer")
    controller.seq += 1
    early = controller.seq
    assert ask(living, controller, "play", airing=airing)[0]["ok"]
    topic = controller.topics.area_command(AREA)
    late = controller.sealed(MessageType.COMMAND, Command("c", "stop"), f"area:{AREA}", seq=early)
    node.desk.command(topic, late, retained=False)
    assert node.planner.coming(node.clock.now())


def test_a_command_of_another_version_that_cannot_be_read_is_answered(living, controller):
    answer, _ = ask(living, controller, "play", airing={"airing_id": "x", "class": "galactic"})
    assert (answer["verb"], answer["ok"], answer["problem"]) == ("play", False, "unknown_kind")
    answer, _ = ask(living, controller, "volume", args=["50"])
    assert (answer["verb"], answer["ok"], answer["problem"]) == ("volume", False, "malformed")


def test_a_test_play_sounds_and_is_reported(living, controller):
    content, frames = make_clip(0.5)
    controller.seed(content)
    starts_at = datetime.now(UTC) + timedelta(seconds=4)
    controller.schedule(AREA, [])
    living.until(lambda: living.node.schedules.held())
    airing = replace(airing_of(content, frames, starts_at, "t1"), origin="test")
    assert ask(living, controller, "play", airing=airing)[0]["ok"]
    living.until(lambda: controller.outcomes(living.node.device_id).get("t1"))
    assert controller.outcomes(living.node.device_id)["t1"].outcome == "played"
