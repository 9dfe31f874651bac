"""`loalang doctor`."""

import json

import pytest


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    monkeypatch.setenv("LOALANG_BIND", "127.0.0.1:9")


def test_what_is_broken_fails_and_names_its_remedy(run):
    done = run("doctor")
    assert done.status == 1
    [line] = [line for line in done.out.splitlines() if " pages " in line]
    assert line.startswith("X")
    assert "start 'loalang controller'" in line


def test_scripts_read_the_findings(run):
    done = run("doctor", "--json")
    assert done.status == 1
    health = {finding["name"]: finding["health"] for finding in json.loads(done.out)}
    assert (health["database"], health["service"]) == ("well", "broken")
