"""The log as CSV and XLSX for people: named columns, local times, nothing a sheet would run.

A cell that begins like a formula gets an apostrophe: a clip called `=HYPERLINK(…)` must stay text
in the spreadsheet of whoever opens the log. Both forms hold one row at a time in memory.
"""

import csv
import io
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter
from flask import Response

from controller.outcomes.outcome_words import hearing_word, outcome_word, reason_word
from controller.outcomes.playbacks import PlaybackView
from controller.territory.areas import DEFAULT_TIMEZONE

CSV_TYPE: Final = "text/csv"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CHUNK_BYTES: Final = 64 * 1024
_SHEET_ROWS: Final = 1_048_575  # what a worksheet holds below its heading

Cell = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log and the name of its area."""

    view: PlaybackView
    area: str


@dataclass(frozen=True, slots=True)
class Column:
    """A heading in both languages, how its cell is read, and its width in characters."""

    vi: str
    en: str
    read: Callable[[Row, str], Cell]
    width: int = 12


COLUMNS: Final = (
    Column("Giờ dự kiến", "Planned", lambda row, _: _local(row.view.playback.planned_at), 20),
    Column("Giờ phát", "Started", lambda row, _: _local(row.view.playback.started_at), 20),
    Column("Kết thúc", "Ended", lambda row, _: _local(row.view.playback.ended_at), 20),
    Column("Địa bàn", "Area", lambda row, _: row.area, 24),
    Column("Mã cụm loa", "Node code", lambda row, _: row.view.node.code, 14),
    Column("Cụm loa", "Node", lambda row, _: row.view.node.name, 24),
    Column(
        "Nội dung", "Title", lambda row, _: row.view.airing.title if row.view.airing else "", 40
    ),
    Column(
        "Kết quả", "Outcome", lambda row, said: outcome_word(row.view.playback.outcome, said), 14
    ),
    Column("Lý do", "Reason", lambda row, said: reason_word(row.view.playback.reason, said), 18),
    Column("Chi tiết", "Detail", lambda row, _: row.view.playback.detail, 30),
    Column("Lệch giờ (ms)", "Start error (ms)", lambda row, _: row.view.playback.start_error_ms),
    Column("Đã phát (ms)", "Played (ms)", lambda row, _: row.view.playback.played_ms),
    Column("Thời lượng (ms)", "Length (ms)", lambda row, _: row.view.playback.length_ms),
    Column("Nghe được (ms)", "Heard (ms)", lambda row, _: row.view.playback.heard_ms),
    Column("Mức nghe (dB)", "Heard level (dB)", lambda row, _: row.view.playback.heard_level_db),
    Column("Trễ nghe (ms)", "Heard delay (ms)", lambda row, _: row.view.playback.heard_delay_ms),
    Column("Nghe", "Hearing", lambda row, said: hearing_word(_hearing(row), said), 22),
    Column("Âm lượng (%)", "Volume (%)", lambda row, _: row.view.playback.volume_pct),
    Column("Mã lượt phát", "Airing id", lambda row, _: row.view.playback.airing_id, 34),
    Column("Mã cụm", "Node id", lambda row, _: row.view.playback.node_id, 18),
)


def csv_lines(rows: Iterable[Row], language: str) -> Iterator[bytes]:
    """CSV with a BOM, so that Excel reads the letters right; lines end as RFC 4180 says."""
    yield b"\xef\xbb\xbf" + _csv_line(_headings(language))
    for row in rows:
        yield _csv_line([_plain(guarded(column.read(row, language))) for column in COLUMNS])


def xlsx_chunks(rows: Iterable[Row], language: str, folder: Path) -> Generator[bytes]:
    """A workbook by pieces; it is built in a temporary file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="export-") as place:
        path = Path(place) / "log.xlsx"
        _write_workbook(path, rows, language)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk


def download(chunks: Iterable[bytes], kind: str, name: str) -> Response:
    """An answer the browser saves under `name`."""
    content_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    answer = Response(chunks, content_type=content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def guarded(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula, made harmless; numbers stay numbers."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _write_workbook(path: Path, rows: Iterable[Row], language: str) -> None:
    options = {
        "constant_memory": True,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }
    book = xlsxwriter.Workbook(str(path), options)
    sheet = book.add_worksheet("Nhật ký phát" if language != "en" else "Playback log")
    bold = book.add_format({"bold": True})
    for index, column in enumerate(COLUMNS):
        sheet.set_column(index, index, column.width)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, _headings(language), bold)
    for number, row in enumerate(rows, start=1):
        if number > _SHEET_ROWS:
            break
        _write_row(sheet, number, [column.read(row, language) for column in COLUMNS])
    book.close()


def _write_row(sheet: Any, number: int, cells: list[Cell]) -> None:
    for index, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(number, index, cell)
        elif isinstance(cell, datetime):
            sheet.write_datetime(number, index, cell)
        elif cell is not None:
            sheet.write_number(number, index, cell)


def _csv_line(cells: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(["" if cell is None else cell for cell in cells])
    return line.getvalue().encode()


def _headings(language: str) -> list[str]:
    return [column.en if language == "en" else column.vi for column in COLUMNS]


def _hearing(row: Row) -> bool | None:
    """Whether the microphone there heard it; None without one."""
    return None if row.view.playback.heard_ms is None else row.view.playback.heard_ms > 0


def _local(at: datetime | None) -> datetime | None:
    """Wall time where the horns are, to the nearest second; the log page shows the same.

    Without a zone, as a spreadsheet knows no other.
    """
    if at is None:
        return None
    nearest = (at + timedelta(milliseconds=500)).replace(microsecond=0)
    return nearest.astimezone(ZoneInfo(DEFAULT_TIMEZONE)).replace(tzinfo=None)


def _plain(cell: Cell) -> str | int | float | None:
    return f"{cell:%Y-%m-%d %H:%M:%S}" if isinstance(cell, datetime) else cell
