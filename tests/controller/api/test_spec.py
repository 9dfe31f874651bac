"""The OpenAPI document is valid and names every call of the contract."""

import json
import re

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

CONTRACT = [
    "GET /healthz",
    "GET /areas",
    "POST /areas",
    "GET /areas/{id}",
    "PATCH /areas/{id}",
    "POST /feedback",
    "GET /nodes",
    "POST /nodes",
    "GET /nodes/{id}",
    "PATCH /nodes/{id}",
    "POST /clips",
    "POST /clips/{id}/approve",
    "POST /clips/{id}/reject",
    "POST /clips/{id}/withdraw",
    "GET /clips/{id}/audio",
    "POST /speech",
    "POST /schedules",
    "POST /schedules/{id}/approve",
    "POST /schedules/{id}/reject",
    "POST /schedules/{id}/pause",
    "POST /schedules/{id}/resume",
    "DELETE /schedules/{id}",
    "GET /airings",
    "GET /playbacks",
    "GET /playbacks.csv",
    "GET /playbacks.xlsx",
    "POST /emergencies",
    "POST /emergencies/{id}/confirm",
    "POST /emergencies/{id}/cancel",
    "POST /stop",
    "GET /coverage",
]


@pytest.fixture
def document(call_as):
    answer = call_as(None).get("/openapi.json")
    assert answer.content_type == "application/json"
    return answer.json


def test_it_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    jsonschema_rs.Draft202012Validator(OPENAPI_31).validate(document)


def test_every_call_of_the_contract_is_in_it(document):
    found = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert set(CONTRACT) <= found


def test_every_reference_leads_somewhere(document):
    for reference in set(re.findall(r'"#(/[^"]+)"', json.dumps(document))):
        found = document
        for step in reference.strip("/").split("/"):
            found = found[step]


def test_the_names_of_the_contract_are_in_it(document):
    schemas = document["components"]["schemas"]
    upload = "file title topic language app audience area_id translation_of valid_from valid_until"
    clip = "id version status duration_ms sha256 bytes loudness_lufs true_peak_dbtp warnings"
    schedule = "title items area_ids class starts_at recurrence seasons day_set until exceptions"
    wanted = {
        "AreaIn": "name kind code parent_id timezone languages policy group",
        "NodeIn": "name code area_id lat lon languages volume",
        "ClipUpload": f"{upload} replaces",
        "VersionOut": clip,
        "ScheduleIn": f"{schedule} late_s",
        "DraftOut": "id status airings_preview conflicts",
        "AiringOut": "id schedule_id starts_at ends_at class areas readiness",
    }
    for name, words in wanted.items():
        assert set(words.split()) <= schemas[name]["properties"].keys(), name


def test_it_asks_for_a_token_everywhere_but_at_the_front(document):
    assert document["security"] == [{"bearer": []}]
    open_paths = [
        path
        for path, operations in document["paths"].items()
        if {"security": []}.items() <= operations.get("get", {}).items()
    ]
    assert open_paths == ["/api/v1/healthz", "/api/v1/openapi.json"]


def test_it_names_no_outside_host(document):
    assert not re.search(r"https?://", json.dumps(document))
