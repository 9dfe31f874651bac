"""Random bytes in every file a node keeps: it starts, rebuilds, and plays nothing wrong."""

import os
import random

import pytest

from device.settings import Settings
from tests.device.conftest import make_clip
from tests.device.living import Living
from tests.device.test_story import AREA, airing_of, bound, in_s


@pytest.fixture
def settings_of(tmp_path, broker, controller):
    return Settings(
        broker_url=f"mqtt://127.0.0.1:{broker.port}",
        controller_keys=(controller.key.verify_key.hex,),
        data_dir=tmp_path / "data",
        sink="null",
        clock="trusted",
    )


def is_whole(living, clip, areas=1):
    node = living.node
    return (
        node.documents.bound
        and len(node.schedules.held()) == areas
        and node.blobs.holds(clip)
        and node.planner.coming(node.clock.now()) is not None
    )


def settled(settings, clip):
    living = Living(settings)
    living.until(lambda: is_whole(living, clip))
    assert living.end() == 0


def files_of(settings):
    return sorted(path for path in settings.data_dir.rglob("*") if path.is_file())


def damage(path, how, chance):
    size = path.stat().st_size
    if how == "random":
        path.write_bytes(chance.randbytes(max(size, 1)))
    elif how == "flip":
        content = bytearray(path.read_bytes() or b"\0")
        content[chance.randrange(len(content))] ^= 0xFF
        path.write_bytes(content)
    elif how == "cut":
        os.truncate(path, size // 2)
    else:
        os.truncate(path, 0)


@pytest.mark.timeout(300)
def test_damage_in_any_one_file_is_mended(controller, settings_of):
    controller.config = bound
    content, frames = make_clip(1.0)
    clip = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(3600))])
    settled(settings_of, clip)
    chance = random.Random(7)
    names = [path.relative_to(settings_of.data_dir) for path in files_of(settings_of)]
    assert {"identity.a", "counters.a", "outbox.sqlite3"} <= {str(name) for name in names}
    for name in names:
        path = settings_of.data_dir / name
        if path.exists() and name.name != "ballast":
            damage(path, chance.choice(["random", "flip", "cut", "empty"]), chance)
            settled(settings_of, clip)


def test_everything_damaged_at_once_makes_a_new_device_that_asks_again(controller, settings_of):
    controller.config = bound
    content, frames = make_clip(1.0)
    clip = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(3600))])
    settled(settings_of, clip)
    chance = random.Random(8)
    for path in files_of(settings_of):
        damage(path, "random", chance)
    settled(settings_of, clip)
    assert len(controller.devices) == 2
