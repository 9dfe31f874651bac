"""The coverage table as a workbook, for the report to the level above."""

import tempfile
from collections.abc import Generator, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import xlsxwriter

from controller.api.exports import guarded
from web.filters import day
from web.i18n import _
from web.words import TOPICS

_CHUNK_BYTES = 64 * 1024


class Square(Protocol):
    """What a row tells of one place and content area."""

    planned: int
    played: int
    heard: int | None
    minutes: float
    asked: int
    installed: int
    last: datetime | None


class Line(Protocol):
    """A place and its squares by content area."""

    @property
    def name(self) -> str: ...
    @property
    def squares(self) -> Mapping[int, Square]: ...


def chunks(lines: Iterable[Line], folder: Path) -> Generator[bytes]:
    """The workbook by pieces; it is built in a temporary file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="export-") as place:
        path = Path(place) / "coverage.xlsx"
        _write(path, lines)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk


def _write(path: Path, lines: Iterable[Line]) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "tmpdir": str(path.parent)}
    book = xlsxwriter.Workbook(str(path), options)
    sheet = book.add_worksheet(_("Độ phủ")[:31])
    headings = [_("Nơi"), _("Lĩnh vực"), _("Đã hẹn"), _("Đã phát"), _("Nghe thấy"), _("Phút")]
    headings += [_("Phát lần cuối"), _("Hộ hỏi thêm"), _("Hộ cài được ứng dụng")]
    sheet.write_row(0, 0, headings, book.add_format({"bold": True}))
    sheet.set_column(0, 1, 34)
    sheet.freeze_panes(1, 0)
    number = 0
    for line in lines:
        for topic, square in line.squares.items():
            number += 1
            last = day(square.last) if square.last else ""
            heard = "" if square.heard is None else square.heard
            cells = [guarded(line.name), str(TOPICS[topic]), square.planned, square.played, heard]
            cells += [round(square.minutes, 1), last, square.asked, square.installed]
            sheet.write_row(number, 0, cells)
    book.close()
