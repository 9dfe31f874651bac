"""The newest lines, and no more than asked for."""

import logging

from device.logs import LINES, RecentLines


def test_the_newest_lines_are_kept_and_given():
    lines = RecentLines()
    log = logging.Logger("node")
    log.addHandler(lines)
    for number in range(LINES + 5):
        log.warning("line %s", number)
    assert lines.tail(2).endswith(f"line {LINES + 4}")
    assert len(lines.tail(10_000).splitlines()) == LINES
    assert lines.tail(0) == ""
