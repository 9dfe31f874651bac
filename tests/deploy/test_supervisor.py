"""Children are kept running, started again when they die, and never outlive their parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from deploy.supervisor import Part, Supervisor, answers
from tests.support.waiting import wait_until

SLEEPER = "import time\ntime.sleep(600)"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text("deaf")
time.sleep(600)
"""


def part(name, program=SLEEPER, *arguments, **options):
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return Part(name, command, dict(os.environ), **options)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Bench:
    """A supervisor whose clock a test may move on."""

    def __init__(self):
        self.extra_s = 0.0
        self.started = []
        self.supervisor = Supervisor(
            lambda name, pid: self.started.append((name, pid)),
            lambda: time.monotonic() + self.extra_s,
        )

    def pid(self, name):
        return self.supervisor.pids().get(name)

    def until(self, condition, deadline_s=10):
        def turn():
            self.supervisor.step()
            return condition()

        return wait_until(turn, deadline_s)

    def kill(self, name):
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.supervisor.stop()


def test_a_part_that_dies_is_started_again_within_five_seconds(bench):
    bench.supervisor.start(part("a"))
    killed = bench.kill("a")
    began = time.monotonic()
    bench.until(lambda: bench.pid("a") not in (None, killed))
    assert time.monotonic() - began < 5
    assert [name for name, _ in bench.started] == ["a", "a"]


def test_one_that_dies_at_once_is_not_started_in_a_frenzy(bench):
    bench.supervisor.start(part("bad", "raise SystemExit(3)"))
    bench.until(lambda: len(bench.started) == 3)
    bench.until(lambda: bench.pid("bad") is None)
    bench.supervisor.step()
    assert len(bench.started) == 3
    bench.extra_s = 5
    bench.until(lambda: len(bench.started) == 4)


def test_one_that_ran_for_long_begins_again_with_the_shortest_pause(bench):
    bench.supervisor.start(part("a"))
    for _ in range(2):
        killed = bench.kill("a")
        bench.until(lambda killed=killed: bench.pid("a") not in (None, killed))
    bench.extra_s = 60
    killed = bench.kill("a")
    began = time.monotonic()
    bench.until(lambda: bench.pid("a") not in (None, killed))
    assert time.monotonic() - began < 1


def test_what_runs_once_and_ends_well_is_not_started_again(bench):
    bench.supervisor.start(part("once", "pass", once=True))
    bench.until(lambda: bench.pid("once") is None)
    bench.extra_s = 60
    bench.supervisor.step()
    assert len(bench.started) == 1


def test_what_runs_once_and_fails_is_tried_again(bench):
    bench.supervisor.start(part("once", "raise SystemExit(1)", once=True))
    bench.until(lambda: len(bench.started) == 2)


def test_higher_ranks_stop_first(bench, tmp_path):
    log = tmp_path / "order"
    program = """
    import pathlib, signal, sys, time
    def end(*_):
        with open(sys.argv[1], "a") as file:
            file.write(sys.argv[2])
        sys.exit()
    signal.signal(signal.SIGTERM, end)
    pathlib.Path(sys.argv[1] + sys.argv[2]).write_text("")
    time.sleep(600)
    """
    for rank, name in enumerate("abc"):
        bench.supervisor.start(part(name, program, log, name, rank=rank))
    wait_until(lambda: all((tmp_path / f"order{name}").exists() for name in "abc"))
    bench.supervisor.stop()
    assert log.read_text(encoding="utf-8") == "cba"


def test_one_that_does_not_hear_is_killed_in_its_time(bench, tmp_path):
    deaf = tmp_path / "deaf"
    bench.supervisor.start(part("deaf", STUBBORN, deaf, stop_s=0.3))
    wait_until(deaf.exists)
    pid = bench.pid("deaf")
    began = time.monotonic()
    bench.supervisor.stop()
    assert time.monotonic() - began < 2
    assert not alive(pid)


def test_children_die_with_a_parent_that_is_killed(tmp_path):
    told = tmp_path / "pid"
    program = f"""
    import pathlib, sys, time
    sys.path.insert(0, {str(Path.cwd())!r})
    from deploy.supervisor import Part, Supervisor
    supervisor = Supervisor()
    supervisor.start(Part("child", [sys.executable, "-c", "import time; time.sleep(600)"], {{}}))
    pathlib.Path({str(told)!r} + ".part").write_text(str(supervisor.pids()["child"]))
    pathlib.Path({str(told)!r} + ".part").rename({str(told)!r})
    time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    wait_until(told.exists)
    child = int(told.read_text(encoding="utf-8"))
    assert alive(child)
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(child))


def test_what_a_child_says_goes_into_its_log(bench, tmp_path):
    log = tmp_path / "log" / "a.log"
    bench.supervisor.start(part("a", "print('hello', flush=True)", log=log, once=True))
    wait_until(lambda: log.exists() and "hello" in log.read_text(encoding="utf-8"))
    bench.until(lambda: bench.pid("a") is None)


def test_pages_that_are_not_there_do_not_answer():
    assert not answers("http://127.0.0.1:1")


def test_one_that_takes_its_time_is_hurried(bench, tmp_path):
    ready = tmp_path / "ready"
    program = STUBBORN.replace(
        "time.sleep", "signal.signal(signal.SIGQUIT, lambda *_: sys.exit())\ntime.sleep"
    )
    bench.supervisor.start(part("slow", program, ready, stop_s=30, hurry=signal.SIGQUIT))
    wait_until(ready.exists)
    began = time.monotonic()
    bench.supervisor.stop()
    assert time.monotonic() - began < 5
