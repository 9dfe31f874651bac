"""Who calls is known from the bearer token alone."""

import re

import pytest

from controller.accounts import people, tokens
from controller.accounts.access import SYSTEM
from controller.database import transaction
from tests.controller.api.expecting import is_problem
from tests.support.commune import NOW


def test_no_token_is_asked_for_one(call_as):
    answer = call_as(None).get("/areas")
    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="loalang"'


@pytest.mark.parametrize(
    "header", ["Bearer loa_made-up", "Bearer \x7f", "bearer  x ", "Bearer " + "x" * 5000]
)
def test_an_unknown_token_is_told_so(call_as, header):
    answer = call_as(None).get("/areas", headers={"Authorization": header})
    is_problem(answer, 401)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "", "loa_abc"])
def test_other_schemes_are_no_token(call_as, header):
    is_problem(call_as(None).get("/areas", headers={"Authorization": header}), 401)


def test_the_scheme_is_read_in_any_case(call_as, commune):
    header = {"Authorization": f"bearer {commune.tokens['alice']}"}
    assert call_as(None).get("/areas", headers=header).status_code == 200


def test_a_locked_user_is_out_at_once(services, commune, call_as):
    erin = call_as("erin")
    assert erin.get("/areas").status_code == 200
    with transaction(services.engine) as session:
        people.lock(session, SYSTEM, commune.users["erin"], NOW)
    is_problem(erin.get("/areas"), 401)


def test_an_expired_token_is_out(services, commune, call_as, clock):
    with transaction(services.engine) as session:
        _row, secret = tokens.create(
            session, SYSTEM, commune.users["erin"], "short", NOW, expires_at=NOW
        )
    is_problem(call_as(None).get("/areas", headers={"Authorization": f"Bearer {secret}"}), 401)


def test_every_call_but_three_asks_for_a_token(app, call_as):
    """Every rule of the API without a token: 401, whatever else would be wrong with it."""
    nobody = call_as(None)
    reached = set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1") or rule.endpoint.startswith("api_beyond"):
            continue
        path = re.sub("<[^>]+>", "abc", rule.rule.removeprefix("/api/v1"))
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            answer = getattr(nobody, method.lower())(path)
            if answer.status_code != 401:
                reached.add(path)
    assert reached == {"/healthz", "/openapi.json"}
