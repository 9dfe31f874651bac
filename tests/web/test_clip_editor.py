"""The clip editor's rights and its words for wrong marks."""

import pytest


@pytest.fixture
def address(village):
    return f"/clips/{village.clips[5]}/edit"


def test_an_editor_sees_the_original_and_hears_it(visit, address):
    erin = visit("erin")
    assert "Bản gốc dài" in erin.get(address).text
    with erin.get(address.replace("/edit", "/original")) as heard:
        assert heard.mimetype == "audio/mpeg"
        assert len(heard.data) > 1000


@pytest.mark.parametrize(("name", "status"), [("vera", 403), ("charlie", 404)])
def test_who_may_not_upload_may_not_cut(visit, address, name, status):
    assert visit(name).get(address).status_code == status
    assert visit(name).get(address.replace("/edit", "/original")).status_code == status
    assert visit(name).post(address, data={"start": "0", "end": "1"}).status_code == status


@pytest.mark.parametrize("start", ["", "ba", "1e999", "3"])
def test_wrong_marks_are_told_with_what_to_do(visit, address, start):
    answer = visit("erin").post(address, data={"start": start, "end": "2"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_script_that_cuts_is_told_where_the_new_version_is(visit, address):
    cut = {"start": "0.2", "end": "1.5"}
    answer = visit("erin").post(address, data=cut, headers={"X-Requested-With": "upload"})
    assert (answer.status_code, answer.location) == (204, address.removesuffix("/edit"))
    assert "data-upload" in visit("erin").get(address).text


def test_a_text_to_hear_must_be_a_text(visit):
    erin = visit("erin")
    answer = erin.post("/clips/speak/listen", data={"text": " "})
    assert answer.status_code == 422
    assert erin.get("/clips/speak/listen.ogg").status_code == 404
    assert visit("vera").post("/clips/speak/listen", data={"text": "Chào"}).status_code == 403
