"""Many real agents on one loop: all bound, all told, all heard of."""

from device.loop import Loop
from device.settings import Settings
from device.simulate import start
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, in_s

COUNT = 25


def test_dozens_of_agents_in_one_process_play_and_report(controller, broker, tmp_path):
    controller.config = bound
    content, frames = make_clip(0.5)
    controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(12))])
    loop = Loop()
    settings = [
        Settings(
            broker_url=f"mqtt://127.0.0.1:{broker.port}",
            controller_keys=(controller.key.verify_key.hex,),
            data_dir=tmp_path / str(number),
            sink="null",
            clock="trusted",
        )
        for number in range(COUNT)
    ]
    nodes = start(loop, settings)
    deadline = loop.monotonic() + 40
    while sum(len(controller.outcomes(node.device_id)) for node in nodes) < COUNT:
        assert loop.monotonic() < deadline
        loop.turn(0.1)
    outcomes = {controller.outcomes(node.device_id)["a1"].outcome for node in nodes}
    assert outcomes == {"played"}
    assert loop.failures == 0
    for node in nodes:
        node.stop()
    loop.close()
