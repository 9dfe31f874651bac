"""How urgent a process is to the system: real time for sound and pin, more for the agent."""

import contextlib
import os

PLAYER = 50
KEEPER = 40


def become_realtime(priority: int) -> bool:
    """SCHED_FIFO for this process, where the system lets us; else as nice as it allows."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        be_urgent(-10)
        return False
    return True


def be_urgent(nice: int) -> None:
    """A negative `nice` value, where the system lets us."""
    with contextlib.suppress(OSError):
        os.nice(nice)
