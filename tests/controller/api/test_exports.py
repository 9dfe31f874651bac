"""What a sheet holds: nothing it would run, times to the nearest second, one row at a time."""

import io
import itertools
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from openpyxl import load_workbook

from controller.api import exports
from controller.models import Node, Playback
from controller.outcomes.playbacks import PlaybackView
from tests.support.commune import NOW


def row(**more):
    playback = Playback(
        planned_at=NOW, airing_id="a", node_id="n", reason="", detail="", outcome=None, **more
    )
    node = Node(id="n", code="HB-01", name="Cụm đình")
    return exports.Row(PlaybackView(playback, node, None, None), "Thôn Thượng")


@pytest.mark.parametrize("text", ["=1+1", "+84", "-x", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_like_a_formula_is_made_harmless(text):
    assert exports.guarded(text) == "'" + text


@pytest.mark.parametrize("cell", ["", "Thôn 1", -0.25, 0, None])
def test_everything_else_stays_as_it_is(cell):
    assert exports.guarded(cell) == cell


def test_times_are_rounded_not_cut():
    early = row(started_at=NOW - timedelta(milliseconds=1))
    line = list(exports.csv_lines([early], "en"))[1].decode()
    assert line.startswith("2026-11-22 12:00:00,2026-11-22 12:00:00,")


def test_a_sheet_can_reckon_with_the_times(tmp_path):
    book = b"".join(exports.xlsx_chunks([row(started_at=NOW)], "vi", tmp_path))
    planned, started, ended = load_workbook(io.BytesIO(book)).active["A2:C2"][0]
    assert (planned.is_date, planned.value) == (True, datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001
    assert (started.value, ended.value) == (planned.value, None)


def test_csv_takes_its_rows_one_by_one():
    endless = (row() for _ in itertools.count())
    assert len(list(itertools.islice(exports.csv_lines(endless, "vi"), 5))) == 5


def test_a_workbook_abandoned_half_way_leaves_nothing(tmp_path):
    with closing(exports.xlsx_chunks([row()], "vi", tmp_path)) as chunks:
        next(chunks)
    assert list(tmp_path.iterdir()) == []
