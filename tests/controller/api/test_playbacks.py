"""The playback log over HTTP."""

import csv
import io
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from controller.database import transaction
from controller.models import Playback
from protocol.outcomes import Outcome
from tests.controller.api.expecting import is_problem
from tests.support.commune import NOW


@pytest.fixture
def log(services, village):
    """Two rows: one played, one missed, an hour apart."""
    rows = [("a1", NOW, Outcome.PLAYED, ""), ("a2", NOW + timedelta(hours=1), Outcome.MISSED, "x")]
    with transaction(services.engine) as session:
        for airing_id, at, outcome, reason in rows:
            session.add(
                Playback(
                    planned_day=at.date(),
                    airing_id=airing_id,
                    node_id=village,
                    planned_at=at,
                    outcome=outcome,
                    reason="powered_off" if reason else "",
                    detail="=HYPERLINK(1)" if reason else "",
                    start_error_ms=None if reason else -0.25,
                    started_at=None if reason else at,
                    clock={"trusted": True, "source": "ntp", "offset_ms": 1},
                )
            )
    return rows


def airings(answer):
    assert answer.status_code == 200, answer.text
    return [row["airing_id"] for row in answer.json["items"]]


def test_the_log_shows_planned_beside_played(call_as, log, village, commune):
    missed, played = call_as("vera").get("/playbacks").json["items"]
    assert (missed["outcome"], missed["reason"]) == ("missed", "powered_off")
    assert played["planned_at"] == played["started_at"] == "2026-11-22T05:00:00+00:00"
    assert (played["outcome"], played["start_error_ms"]) == ("played", -0.25)
    assert (played["node_id"], played["area_id"]) == (village, commune.areas["upper"])
    assert played["clock"]["source"] == "ntp"
    assert {"ended_at", "played_ms", "title"} <= played.keys()


def test_the_log_is_filtered(call_as, log, village, commune):
    vera = call_as("vera")
    assert airings(vera.get("/playbacks?outcome=missed")) == ["a2"]
    assert airings(vera.get("/playbacks?airing_id=a1")) == ["a1"]
    assert airings(vera.get("/playbacks?from=2026-11-22T12:30")) == ["a2"]
    assert airings(vera.get("/playbacks?to=2026-11-22T12:30")) == ["a1"]
    assert airings(vera.get(f"/playbacks?node_id={village}&limit=1")) == ["a2"]
    assert airings(vera.get(f"/playbacks?area_id={commune.areas['lower']}")) == []


def test_the_log_comes_a_page_at_a_time(call_as, log):
    vera = call_as("vera")
    first = vera.get("/playbacks?limit=1").json
    query = {"limit": 1, "cursor": first["next_cursor"]}
    assert airings(vera.get("/playbacks", query_string=query)) == ["a1"]


def test_csv_opens_in_excel_and_runs_nothing(call_as, log):
    answer = call_as("vera").get("/playbacks.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    head, missed, played = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert head[:3] == ["Planned", "Started", "Ended"]
    assert missed[head.index("Detail")] == "'=HYPERLINK(1)"
    assert played[head.index("Start error (ms)")] == "-0.25"
    assert played[0] == "2026-11-22 12:00:00"
    assert played[head.index("Area")] == "Thôn Thượng"


def test_csv_speaks_vietnamese_first(call_as, log):
    text = call_as("vera", "vi").get("/playbacks.csv?outcome=played").data.decode("utf-8-sig")
    assert text.startswith("Giờ dự kiến,")
    assert len(text.splitlines()) == 2


def test_xlsx_holds_the_same_rows(call_as, log, services):
    answer = call_as("vera").get("/playbacks.xlsx")
    assert answer.status_code == 200, answer.text
    sheet = load_workbook(io.BytesIO(answer.data)).active
    head, missed, played = sheet.iter_rows(values_only=True)
    detail = sheet.cell(2, head.index("Detail") + 1)
    assert (detail.value, detail.data_type) == ("=HYPERLINK(1)", "s")
    assert played[head.index("Start error (ms)")] == -0.25
    assert missed[head.index("Outcome")] == "failed to play"
    assert missed[head.index("Reason")] == "power cut or switched off"
    assert list(services.settings.temporary_dir.iterdir()) == []


@pytest.mark.parametrize("path", ["/playbacks", "/playbacks.csv", "/playbacks.xlsx"])
def test_bad_filters_are_named(call_as, path):
    for query in ("outcome=lost", "from=x", "node_id=a%20b"):
        problem = is_problem(call_as("vera").get(f"{path}?{query}"), 422)
        assert set(problem["errors"]) == {query.partition("=")[0]}


def test_charlie_finds_nothing_here(charlie, log, village, commune):
    assert airings(charlie.get("/playbacks")) == []
    assert len(charlie.get("/playbacks.csv").data.splitlines()) == 1
    for path in ("/playbacks", "/playbacks.csv", "/playbacks.xlsx"):
        is_problem(charlie.get(f"{path}?node_id={village}"), 404)
        is_problem(charlie.get(f"{path}?area_id={commune.areas['upper']}"), 404)
