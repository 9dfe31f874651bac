"""A commune's list of villages, from the files people have."""

import io

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits, area_import, area_merge
from controller.database import transaction
from controller.errors import BadInput, NotAllowed
from controller.models import Area
from controller.territory import areas
from tests.controller.factories import NOW

HEAD = "Mã đơn vị,Tên,Loại,Mã cấp trên\n"


def csv(text):
    return area_import.read(text.encode("utf-8-sig"), "danh sách.csv")


def xlsx(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return area_import.read(stream.getvalue(), "thôn.xlsx")


def test_a_csv_makes_villages_below_the_commune(session, cast):
    rows = csv(HEAD + "001,Bản Pọng,bản,\n002,Tiểu khu 3,tiểu khu,001\n")
    done = area_import.write(session, cast.alice, rows, cast.areas["commune"], NOW)
    assert (done.created, done.updated) == (2, 0)
    inner = session.scalars(select(Area).where(Area.code == "002")).one()
    names = [session.get_one(Area, each).name for each in areas.path(session, inner.id)]
    assert names == ["Xã Hoà Bình", "Bản Pọng", "Tiểu khu 3"]


def test_a_sheet_keeps_leading_zeros_of_text_and_whole_numbers(session, cast):
    rows = xlsx(["Code", "Name", "Kind"], ["00123", "Bản A", "bản"], [124.0, "Bản B", None])
    area_import.write(session, cast.alice, rows, cast.areas["commune"], NOW)
    assert set(session.scalars(select(Area.code).where(Area.code.is_not(None)))) == {"00123", "124"}


def test_a_second_import_updates_by_code(session, cast):
    commune = cast.areas["commune"]
    area_import.write(session, cast.alice, csv(HEAD + "1,Cũ,thôn,\n2,Giữ,thôn,\n"), commune, NOW)
    rows = csv(HEAD + "1,Mới,thôn,\n2,Giữ,thôn,\n")
    done = area_import.write(session, cast.alice, rows, commune, NOW)
    assert (done.created, done.updated) == (0, 2)
    assert session.scalars(select(Area.name).where(Area.code == "1")).one() == "Mới"


def test_semicolons_and_other_headings_are_read():
    rows = csv("ma;ten;ngon ngu\n1;Bản A;vi, hmn\n\n")
    assert [dict(row.cells) for row in rows] == [
        {"code": "1", "name": "Bản A", "languages": "vi, hmn"}
    ]


def test_errors_are_told_by_line_and_nothing_is_written(engine, cast):
    text = HEAD + "1,Tốt,thôn,\n,Không mã,thôn,\n3,Lạc,thôn,999\n"
    with pytest.raises(BadInput) as refused, transaction(engine) as session:
        area_import.write(session, cast.alice, csv(text), cast.areas["commune"], NOW)
    assert set(refused.value.errors) == {"line 3", "line 4"}
    assert "999" in refused.value.errors["line 4"][0]
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).where(Area.code == "1")) == 0


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "x.csv"),
        (b"a,b\n1,2\n", "x.csv"),
        (b"\xff\xfe\x00bad", "x.csv"),
        (b"no workbook", "x.xlsx"),
    ],
)
def test_a_file_that_is_no_list_is_refused(content, name):
    with pytest.raises(BadInput) as refused:
        area_import.read(content, name)
    assert "file" in refused.value.errors


def test_1301_villages_in_one_file(session, cast):
    lines = [f"{i:05},Thôn {i},thôn," for i in range(1301)]
    rows = csv(HEAD + "\n".join(lines))
    done = area_import.write(session, cast.alice, rows, cast.areas["commune"], NOW)
    assert done.created == 1301


def test_an_editor_imports_nothing(session, cast):
    with pytest.raises(NotAllowed):
        rows = csv(HEAD + "1,A,thôn,\n")
        area_import.write(session, cast.erin, rows, cast.areas["commune"], NOW)


def test_a_code_twice_merged_away_or_of_another_place_is_told_by_line(session, cast):
    commune = cast.areas["commune"]
    area_import.write(session, cast.alice, csv(HEAD + "1,A,thôn,\n2,B,thôn,\n"), commune, NOW)
    area_edits.update(session, SYSTEM, cast.areas["elsewhere"], {"code": "9"}, NOW)
    first, second = (
        session.scalars(select(Area.id).where(Area.code == code)).one() for code in ("1", "2")
    )
    area_merge.merge(session, cast.alice, [first], second, NOW)
    rows = csv(HEAD + "1,A,thôn,\n9,C,thôn,\n3,D,thôn,\n3,E,thôn,\n4,F,thôn,77\n")
    with pytest.raises(BadInput) as refused:
        area_import.write(session, cast.alice, rows, commune, NOW)
    assert list(refused.value.errors) == ["line 2", "line 3", "line 5", "line 6"]
    assert "dòng 4" in refused.value.errors["line 5"][0]


def test_a_province_of_villages_comes_in_one_file(session, cast):
    commune = cast.areas["commune"]
    rows = [["Mã đơn vị", "Tên", "Loại", "Mã cấp trên"]]
    rows += [[f"06{n:04}", f"Xã {n}", "xã", None] for n in range(108)]
    for n in range(1301):
        rows.append([f"06{n:05}", f"Thôn {n}", "thôn", f"06{n % 108:04}"])
    done = area_import.write(session, cast.alice, xlsx(*rows), commune, NOW)
    assert (done.created, done.updated) == (1409, 0)
    again = area_import.write(session, cast.alice, xlsx(*rows), commune, NOW)
    assert (again.created, again.updated) == (0, 1409)


@pytest.mark.parametrize("heading", ["mã cha", "Mã đơn vị cấp trên", "parent_code", "Mã xã"])
def test_the_heading_of_the_unit_above_is_known_by_its_usual_names(session, cast, heading):
    rows = csv(f"mã,tên,loại,{heading}\n001,Xã Một,xã,\n002,Thôn Hai,thôn,001\n")
    area_import.write(session, cast.alice, rows, cast.areas["commune"], NOW)
    inner = session.scalars(select(Area).where(Area.code == "002")).one()
    assert session.get_one(Area, inner.parent_id).name == "Xã Một"
