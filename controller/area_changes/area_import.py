"""A commune's list of villages, as CSV or XLSX, into the tree: checked whole, written whole.

Columns by name, in Vietnamese or English, in any order: code, name, kind, parent code, languages.
A row whose code is known updates that area; errors are told by line, and then nothing is written.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePath
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import changes
from controller.accounts import audit
from controller.accounts.access import Action, Actor, require, visible_areas
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.errors import BadInput
from controller.languages import checked_languages
from controller.models import Area, new_id
from controller.planning import rechecks
from controller.searching import plain

_COLUMNS = {
    "code": ("code", "ma", "ma so", "ma don vi", "ma dvhc", "ma don vi hanh chinh", "ma thon"),
    "name": ("name", "ten", "ten don vi", "ten thon"),
    "kind": ("kind", "loai", "cap", "loai don vi"),
    "parent": (
        "parent",
        "parent code",
        "parent_code",
        "ma cha",
        "ma don vi cha",
        "ma cap tren",
        "ma don vi cap tren",
        "ma xa",
        "thuoc",
    ),
    "languages": ("languages", "ngon ngu", "tieng"),
}
_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: its number as a person counts, and its cells by column."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """How many areas were made, and how many changed."""

    created: int
    updated: int


def read(content: bytes, filename: str) -> list[Row]:
    """The rows of a CSV (UTF-8) or XLSX file. Raises BadInput naming what is wrong."""
    suffix = PurePath(filename).suffix.lower()
    table = _xlsx(content) if suffix in (".xlsx", ".xlsm") else _csv(content)
    header = next(table, None)
    if header is None:
        raise _bad({"file": ("Tệp trống: hãy xuất lại danh sách.", "The file is empty.")})
    columns = _columns(header)
    rows = [
        Row(number, {column: line[i].strip() for column, i in columns.items() if i < len(line)})
        for number, line in enumerate(table, 2)
        if any(cell.strip() for cell in line)
    ]
    if len(rows) > _MOST_ROWS:
        raise _bad(
            {
                "file": (
                    f"Tệp có hơn {_MOST_ROWS} dòng: hãy chia nhỏ.",
                    f"The file has more than {_MOST_ROWS} rows: divide it.",
                )
            }
        )
    return rows


def write(
    session: Session, actor: Actor, rows: Sequence[Row], parent_id: str | None, now: datetime
) -> Imported:
    """Add or update the areas; a row without a parent code goes below `parent_id`.

    Raises BadInput with one entry a bad line ("line 7"), and then nothing is written.
    """
    require(session, actor, Action.ADMINISTER, parent_id)
    known = _by_code(session)
    closed = {code for code, area in known.items() if area.closed_at is not None}
    own = visible_areas(session, actor)
    # Ids are given before anything is written, so that a row may name one before it.
    new = {row.cells.get("code", "") for row in rows} - set(known)
    ids = {code: new_id() for code in new} | _known_ids(known, own)
    wanted: list[tuple[Row, AreaInput]] = []
    errors: dict[str, tuple[str, str]] = {}
    seen: set[str] = set(known) - closed
    lines: dict[str, int] = {}
    for row in rows:
        code = row.cells.get("code", "")
        try:
            elsewhere = code in known and code not in ids
            _refuse_code(code, lines.get(code), taken=elsewhere or code in closed)
            wanted.append((row, _checked(row, parent_id, ids, seen)))
        except BadInput as refused:
            errors[f"line {row.line}"] = next(iter(refused.errors.values()))
        seen.add(code)
        lines.setdefault(code, row.line)
    if errors:
        raise _bad(errors)
    return _written(session, actor, wanted, known, ids, parent_id, now)


def _refuse_code(code: str, before: int | None, *, taken: bool) -> None:
    if code and before is not None:
        raise _bad(
            {
                "row": (
                    f"Mã đơn vị {code} đã có ở dòng {before}: mỗi đơn vị chỉ ghi một dòng.",
                    f"The unit code {code} is in line {before} already: one row for each unit.",
                )
            }
        )
    if taken:
        raise _bad(
            {
                "row": (
                    f"Mã đơn vị {code} thuộc nơi khác hoặc đã sáp nhập: hãy kiểm tra lại mã.",
                    f"The unit code {code} belongs elsewhere or was merged away: check the code.",
                )
            }
        )


def _checked(row: Row, parent_id: str | None, ids: dict[str, str], seen: set[str]) -> AreaInput:
    code, name = row.cells.get("code", ""), row.cells.get("name", "")
    if not code or not name:
        raise _bad({"row": ("Thiếu mã hoặc tên đơn vị.", "The code or the name is missing.")})
    above = row.cells.get("parent", "")
    if above and (above not in seen or above not in ids):
        raise _bad(
            {
                "row": (
                    f"Không có đơn vị cấp trên mã {above}: hãy đặt dòng đó lên trước.",
                    f"There is no unit above with code {above}: put its row before this one.",
                )
            }
        )
    tags = row.cells.get("languages", "").replace(",", " ").split()
    return AreaInput(
        name=name,
        kind=row.cells.get("kind", "") or "thôn",
        code=code,
        parent_id=ids[above] if above else parent_id,
        languages=checked_languages(tags, "languages") if tags else None,
    )


def _written(
    session: Session,
    actor: Actor,
    wanted: Sequence[tuple[Row, AreaInput]],
    known: dict[str, Area],
    ids: dict[str, str],
    parent_id: str | None,
    now: datetime,
) -> Imported:
    created = updated = 0
    for row, data in wanted:
        code = data.code or ""
        if code not in known:
            known[code] = Area(id=ids[code], created_at=now, **asdict(data))
            session.add(known[code])
            created += 1
            continue
        updated += 1
        area = known[code]
        values: dict[str, object] = {
            "name": data.name,
            "kind": data.kind,
            "parent_id": data.parent_id,
        }
        if data.languages:
            values["languages"] = data.languages
        differing = {key: value for key, value in values.items() if getattr(area, key) != value}
        if differing:
            try:
                area_edits.change(session, actor, area.id, differing, now)
            except BadInput as refused:
                raise _bad({f"line {row.line}": next(iter(refused.errors.values()))}) from refused
    rechecks.recheck(session, [area.id for area in known.values()], now)
    done = Imported(created, updated)
    place = parent_id or ""
    audit.record(session, actor, "area.import", "area", place, parent_id, now, asdict(done))
    changes.note(session, "area", place, parent_id, now)
    return done


def _known_ids(known: dict[str, Area], own: frozenset[str] | None) -> dict[str, str]:
    """Code → id of the areas the actor may put others below."""
    return {c: area.id for c, area in known.items() if own is None or area.id in own}


def _by_code(session: Session) -> dict[str, Area]:
    query = select(Area).where(Area.code.is_not(None))
    return {area.code or "": area for area in session.scalars(query)}


def _columns(header: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for i, title in enumerate(header):
        word = " ".join(plain(title).replace("_", " ").split())
        for column, words in _COLUMNS.items():
            if word in words:
                found.setdefault(column, i)
    missing = {"code", "name"} - set(found)
    if missing:
        raise _bad(
            {
                "file": (
                    "Dòng đầu phải có các cột «mã» và «tên».",
                    "The first row must name the columns 'code' and 'name'.",
                )
            }
        )
    return found


def _csv(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable() from error
    first = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first else ",")


def _xlsx(content: bytes) -> Iterator[list[str]]:
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise _unreadable() from error
    sheet = book.worksheets[0]
    # Codes are text with leading zeros; a sheet that made numbers of them shows whole numbers.
    rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    book.close()
    return iter(rows)


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _unreadable() -> BadInput:
    return _bad(
        {
            "file": (
                "Không đọc được tệp: hãy lưu lại dạng XLSX hoặc CSV (UTF-8).",
                "The file cannot be read: save it as XLSX or CSV (UTF-8).",
            )
        }
    )


def _bad(errors: dict[str, tuple[str, str]]) -> BadInput:
    return BadInput(errors)
