"""A node behind a hostile broker plays nothing that was not signed, and recovers afterwards."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from device.settings import Settings
from protocol.envelope import MessageType
from protocol.messages import AreaState, Command
from protocol.outcomes import AiringClass, Origin
from tests.device.conftest import make_clip
from tests.device.living import Living
from tests.device.test_story import AREA, airing_of, bound, in_s
from tests.support.hostile_broker import HostileBroker
from tests.support.mutations import STRANGER, hostile, originals

GENUINE = "genuine"


@pytest.fixture(params=[1, 2])
def seed(request):
    return request.param


def test_nothing_unsigned_sounds_and_an_honest_broker_is_believed_again(
    controller, broker, tmp_path, seed
):
    controller.config = bound
    content, frames = make_clip(0.5)
    controller.seed(content)
    wanted = airing_of(content, frames, in_s(0), class_=AiringClass.EMERGENCY)
    evil = replace(wanted, airing_id="evil", origin=Origin.EMERGENCY)
    genuine = originals(controller.key, datetime.now(UTC), to=f"area:{AREA}")
    topics = controller.topics

    def invent(luck):
        """A play nobody ordered, by a stranger's key; or what was said, altered or misdirected."""
        if luck.random() < 0.5:
            said = luck.choice((Command("x", "play", airing=evil), AreaState(AREA, 9, (evil,))))
            type_ = MessageType.COMMAND if isinstance(said, Command) else MessageType.AREA_STATE
            raw = controller.sealed(type_, said, f"area:{AREA}", key=STRANGER, seq=2**40)
        else:
            type_, raw = hostile(luck, genuine[:1], controller.key, datetime.now(UTC))
        state = type_ is MessageType.AREA_STATE
        return (topics.area_state if state else topics.area_command)(AREA), raw

    with HostileBroker(broker.port, invent, seed) as between:
        living = Living(
            Settings(
                broker_url=f"mqtt://127.0.0.1:{between.port}",
                controller_keys=(controller.key.verify_key.hex,),
                data_dir=tmp_path / "data",
                sink="null",
                clock="trusted",
            )
        )
        node = living.node
        living.until(lambda: node.documents.bound)
        between.turn()
        living.until(lambda: between.done["invent"] >= 200 and sum(node.gate.refused.values()) > 20)
        between.honest()
        living.until(lambda: node.link.connected, 30)
        now_due = replace(wanted, airing_id=GENUINE, starts_at=in_s(1))
        controller.area_state(AREA, airings=(now_due,))
        living.until(lambda: controller.outcomes(node.device_id).get(GENUINE), 30)
        played = set(controller.outcomes(node.device_id))
        assert living.end() == 0
    assert played == {GENUINE}
