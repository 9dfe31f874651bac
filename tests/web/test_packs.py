"""The page of clip packs: choose and download, take in, hear what was left out."""

import io

import pytest

from controller.usb import clip_packs


def test_a_downloaded_pack_is_known_again_when_it_comes_back(app, village, visit):
    erin = visit("erin")
    assert village.clips[1] in erin.get("/clips/packs/").text
    with erin.post("/clips/packs/export", data={"clip": village.clips[1]}) as answer:
        pack = answer.data
    assert pack[:2] == b"PK"
    assert answer.headers["Content-Disposition"].endswith(".clips")
    back = erin.post(
        "/clips/packs/import", data={"file": (io.BytesIO(pack), "a.clips")}, follow_redirects=True
    )
    assert "Bỏ qua «Nộp hồ sơ trên Cổng dịch vụ công»" in back.text
    assert list(app.extensions["loalang"].settings.temporary_dir.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK no pack"])
def test_what_is_no_pack_is_told_with_a_remedy(visit, content):
    answer = visit("erin").post(
        "/clips/packs/import", data={"file": (io.BytesIO(content), "a.clips")}
    )
    assert answer.status_code == 422
    assert "hãy chép lại gói" in answer.text


def test_nothing_chosen_is_told(visit):
    answer = visit("erin").post("/clips/packs/export", data={})
    assert answer.status_code == 422
    assert "Hãy chọn ít nhất một bản tin" in answer.text


def test_the_key_to_tell_others_stands_on_the_page(app, visit):
    key = clip_packs.key_of(app.extensions["loalang"].settings)
    assert key in visit("erin").get("/clips/packs/").text


@pytest.mark.parametrize("name", ["vera", "tom"])
def test_who_may_not_upload_has_no_packs(visit, name):
    assert visit(name).get("/clips/packs/").status_code == 403
