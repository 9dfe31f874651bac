"""What is not built says so."""

import pytest

from tests.controller.api.expecting import is_problem

CALLS = [
    ("post", "/feedback", {"airing_id": "a", "area_id": "b", "asked": 3}),
    ("get", "/coverage?from=2026-11-01T00:00&area_id=a", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[path for _, path, _ in CALLS])
def test_a_call_that_is_not_built_answers_501_with_a_sentence(alice, method, path, body):
    more = {"json": body} if body else {}
    is_problem(getattr(alice, method)(path, **more), 501, code="not_built")


def test_its_input_is_already_checked(alice):
    problem = is_problem(alice.post("/feedback", json={}), 422)
    assert set(problem["errors"]) == {"airing_id", "area_id"}
