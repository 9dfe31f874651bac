"""Whatever is sent, no call fails: every refusal is a problem with a sentence.

Requests are made from the OpenAPI document itself, right ones and wrong ones.
"""

from contextlib import closing, suppress
from dataclasses import replace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from controller import schema
from controller.database import open_engine
from tests.support.commune import settle
from tests.support.postgres import running_postgres


@pytest.fixture(scope="module")
def server():
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def services(request, services):
    """The commune on either database: they refuse different things."""
    if request.param == "sqlite":
        yield services
        return
    url = request.getfixturevalue("server").database("fuzzed")
    engine = open_engine(url)
    schema.upgrade(engine)
    yield replace(services, engine=engine)
    engine.dispose()


@pytest.fixture
def commune(services, settled):
    """The copy that other tests share is an SQLite file; a fresh PostgreSQL is settled here."""
    on_sqlite = services.engine.dialect.name == "sqlite"
    return settled[1] if on_sqlite else settle(services.engine)


@pytest.fixture
def operations(app):
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    return {
        f"{found.ok().method.upper()} {found.ok().path}": found.ok()
        for found in document.get_all_operations()
    }


def send(case, app, token):
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
    return case.call(app=_closed(app))


def _closed(app):
    """A server closes what it has sent; the client of these requests does not."""

    def answer(environ, start_response):
        with closing(app(environ, start_response)) as body:
            return [b"".join(body)]

    return answer


@pytest.mark.slow
def test_no_request_breaks_a_call(operations, app, commune, clip, village):
    assert len(operations) > 35
    for name, operation in operations.items():
        for mode in GenerationMode:
            _bombard(name, operation, app, commune.tokens["alice"], mode)


def _bombard(name, operation, app, token, mode):
    @settings(
        max_examples=6,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case):
        answer = send(case, app, token)
        assert answer.status_code < 500, name
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0] == "application/problem+json", name

    # A call that takes nothing cannot be asked wrongly.
    with suppress(Unsatisfiable):
        attempt()
