"""Every topic can be read back, and nothing else is taken for one."""

import pytest

from protocol.topics import Topic, Topics, parse

TOPICS = Topics("main")
BUILT = [
    TOPICS.controller_state(),
    TOPICS.schedule("a1"),
    TOPICS.area_state("a1"),
    TOPICS.area_command("a1"),
    TOPICS.to_device("d1", "config"),
    TOPICS.from_device("d1", "report"),
    TOPICS.claim("d1"),
    TOPICS.chunk("ab" * 32, 7),
]


@pytest.mark.parametrize("topic", BUILT)
def test_a_built_topic_is_parsed_back(topic):
    parsed = parse(topic)
    assert parsed is not None
    assert str(parsed) == topic
    assert topic.count("/") == 6


def test_a_chunk_topic_names_the_start_of_the_hash():
    assert parse(TOPICS.chunk("ab" * 32, 7)) == Topic("main", "blob", "ab" * 16, "c", "7")


@pytest.mark.parametrize(
    "topic", ["", "loa/v1", "loa/v2/main/area/a/dn/schedule", BUILT[0] + "/x", "loa/v1/m/a/+/dn/x"]
)
def test_anything_else_is_not_ours(topic):
    assert parse(topic) is None


@pytest.mark.parametrize("site", ["", "a/b", "+", "#", "x" * 65, "xã"])
def test_a_site_that_would_break_topics_is_refused(site):
    with pytest.raises(ValueError, match="site"):
        Topics(site)


def test_the_controller_hears_every_channel_of_every_device():
    heard = TOPICS.everything_from_devices()
    assert "loa/v1/main/device/+/up/report" in heard
    assert "loa/v1/main/claim/+/up/claim" in heard
    assert all("#" not in one for one in heard)
