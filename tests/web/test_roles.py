"""Every door, tried by everybody: the table in `role_table.py`, held against the application."""

import shutil
from dataclasses import dataclass

import pytest

from controller.settings import load
from tests.web import role_cast
from tests.web.conftest import Clock
from tests.web.role_cast import ROLES
from tests.web.role_table import BODIES, TABLE
from web.app import create_app

_NOT_OURS = {"/assets/<path:filename>", "/static/<path:filename>"}


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    method: str
    path: str
    inside: dict
    neighbour: str
    outside: str
    nobody: str

    @property
    def name(self):
        return f"{self.method} {self.path}"

    @property
    def body(self):
        return BODIES.get(self.name)


def rows():
    for line in TABLE.strip().splitlines():
        if line.strip():
            method, path, *marks = line.split()
            *inside, neighbour, outside, nobody = marks
            yield Row(
                method, path, dict(zip("EATHDV", inside, strict=True)), neighbour, outside, nobody
            )


ROWS = list(rows())


@pytest.fixture(scope="module")
def street(filled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles") / "data"
    shutil.copytree(filled.folder, folder)
    app = create_app(load({"LOALANG_DATA_DIR": str(folder)}), Clock())
    app.config["WTF_CSRF_ENABLED"] = False  # test_forms.py looks at the tokens themselves
    yield role_cast.settle(app, folder, filled.village)
    app.extensions["loalang"].engine.dispose()


def test_every_route_is_in_the_table(street):
    adapter = street.app.url_map.bind("localhost")
    known = set()
    for row in ROWS:
        address = row.path.format(**street.doors["inside"]).partition("?")[0]
        rule, values = adapter.match(address, row.method, return_rule=True)
        verb = values.get("verb") or values.get("kind") or ""
        known.add((rule.rule, row.method, verb))
    wanted = set()
    for rule in street.app.url_map.iter_rules():
        if rule.rule in _NOT_OURS or rule.rule == "/api/v1/<path:rest>":
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            for verb in _verbs(rule):
                wanted.add((rule.rule, method, verb))
    assert sorted(wanted - known) == [], "say in role_table.py who may use these"


def _verbs(rule):
    for name in ("verb", "kind"):
        if name in rule.arguments:
            return sorted(rule._converters[name].items)
    return [""]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_everybody_gets_what_the_table_says(street, row):
    def mark(who, doors="inside"):
        return street.knock(who, row.method, row.path, row.body, doors).mark

    assert {letter: mark(letter) for letter in ROLES} == row.inside
    assert mark(None) == row.nobody
    assert mark("H", "neighbour") in _allowed(row.neighbour)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_outsider_learns_nothing(street, row):
    for who in "eathdv":
        answer = street.knock(who, row.method, row.path, row.body, "inside")
        _learnt_nothing(street, row, who, answer, row.outside)


def _learnt_nothing(street, row, who, answer, expected):
    # A role too small is told so before anything is looked up: that says nothing either.
    assert answer.mark in _allowed(expected), who
    assert answer.status < 500
    made_up = street.knock(who, row.method, row.path, row.body, "made up")
    assert (answer.status, answer.text) == (made_up.status, made_up.text), who
    if expected == "o":
        assert [word for word in street.words() if word in answer.text] == [], who


def _allowed(expected):
    return {"o": {"+", "-"}, ".": {".", "-"}, "-": {".", "-"}}.get(expected, {expected})
