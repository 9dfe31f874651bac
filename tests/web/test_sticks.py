"""The page for clusters without a link: a ZIP for a stick, and what came back on one."""

import io
import zipfile

import pytest


def test_the_silent_clusters_are_chosen_and_a_stick_is_made_for_them(visit, village, app):
    tom = visit("tom")
    page = tom.get("/sticks/").text
    assert page.index("Cụm Bãi Sậy") < page.index("Cụm Đoài") < page.index("Cụm Đông")
    assert f'value="{village.nodes["Bãi Sậy"]}" checked' in page
    assert '> <span>Cụm Bãi Sậy <span class="quiet">' in page  # one piece: it wraps as one text
    with tom.post("/sticks/out", data={"node": village.nodes["Bãi Sậy"]}) as answer:
        assert answer.headers["Content-Disposition"].endswith(".zip")
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert all(name.startswith("loalang-pack/") for name in archive.namelist())
    assert list(app.extensions["loalang"].settings.temporary_dir.iterdir()) == []


def test_a_cluster_of_others_is_not_there(visit, village):
    assert visit("tom").post("/sticks/out", data={"node": village.nodes["far"]}).status_code == 404
    assert "Cụm XK-01" not in visit("tom").get("/sticks/").text


def test_nothing_chosen_is_told(visit):
    answer = visit("tom").post("/sticks/out", data={})
    assert answer.status_code == 422
    assert "Hãy chọn ít nhất một cụm loa." in answer.text


def test_what_does_not_count_is_named_by_its_file(visit):
    files = [(io.BytesIO(b"hello"), "ghi chú.txt"), (io.BytesIO(b"PK cut"), "usb.zip")]
    page = visit("tom").post("/sticks/back", data={"file": files}, follow_redirects=True).text
    assert "Bỏ qua «ghi chú.txt»: không phải tệp của thiết bị phát" in page
    assert "Bỏ qua «usb.zip»: tệp nén hỏng" in page


def test_an_empty_archive_says_so(visit):
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    data = {"file": (io.BytesIO(empty.getvalue()), "usb.zip")}
    page = visit("tom").post("/sticks/back", data=data, follow_redirects=True).text
    assert "không có gì của cụm loa nào" in page


@pytest.mark.parametrize("name", ["vera", "erin"])
def test_who_may_not_operate_has_no_sticks(visit, name):
    assert visit(name).get("/sticks/").status_code == 403
