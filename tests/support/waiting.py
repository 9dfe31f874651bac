"""Waiting for something that another process or thread does, with a deadline."""

import threading
import time


def wait_until(condition, deadline_s=10.0, every_s=0.02, what=None):
    """What `condition()` returned once it was true; AssertionError after the deadline."""
    pause, until = threading.Event(), time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < until, f"waited {deadline_s} s for {what or condition}"
        pause.wait(every_s)
