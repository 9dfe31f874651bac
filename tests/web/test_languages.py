"""Clips in a village's own language: made from the original's page, and what lacks is said before
a broadcast is saved.
"""

import pytest

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import transaction
from controller.models import Clip
from tests.controller.factories import add_version, make_clip
from tests.web.village import NOW


@pytest.fixture
def hmong(services, village):
    """A village that listens in Hmong first."""
    with transaction(services.engine) as session:
        area_edits.update(session, SYSTEM, village.areas["Hạ"], {"languages": ["hmn", "vi"]}, NOW)


def broadcast(village):
    values = {"title": "An toàn", "clips": village.clips[5], "area_ids": village.areas["commune"]}
    return {**values, "date": "2026-11-24", "time": "19:00", "repeat": "once"}


def translate(services, village, now):
    with transaction(services.engine) as session:
        clip = make_clip(
            session,
            title="Không cung cấp mã OTP",
            area_id=village.areas["commune"],
            language="hmn",
            translation_of=village.clips[5],
            now=now,
        )
        return clip.id


def test_a_missing_language_is_said_before_saving(visit, services, village, hmong):
    said = "chưa có bản tiếng Mông: nơi đó sẽ nghe bản gốc"
    assert said in visit("erin").post("/broadcasts/check", data=broadcast(village)).text
    assert "no version in Hmong" in (
        visit("erin", "en").post("/broadcasts/check", data=broadcast(village)).text
    )
    translate(services, village, NOW)
    assert said not in visit("erin").post("/broadcasts/check", data=broadcast(village)).text


def test_a_version_older_than_its_original_is_said_before_saving(visit, services, village, hmong):
    made = translate(services, village, NOW)
    said = "Bản tiếng Mông của «Không cung cấp mã OTP cho người lạ» cũ hơn bản gốc"
    assert said not in visit("erin").post("/broadcasts/check", data=broadcast(village)).text
    with transaction(services.engine) as session:
        original = session.get_one(Clip, village.clips[5])
        add_version(session, original, now=NOW.replace(hour=6))
    assert said in visit("erin").post("/broadcasts/check", data=broadcast(village)).text
    assert "Cũ hơn bản gốc" in visit("erin").get(f"/clips/{village.clips[5]}").text
    assert "Bản gốc đã có bản mới" in visit("erin").get(f"/clips/{made}").text


def test_an_original_s_page_leads_to_a_version_in_another_language(visit, village):
    address = f"/clips/new?translation_of={village.clips[5]}"
    assert address in visit("erin").get(f"/clips/{village.clips[5]}").text
    form = visit("erin").get(address).text
    assert f'name="translation_of" value="{village.clips[5]}"' in form
    assert '<option value="hmn"' in form
    assert '<option value="vi"' not in form
    assert visit("charlie").get(address).status_code == 404
