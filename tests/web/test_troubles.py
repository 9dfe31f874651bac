"""Every code with which a cluster says what is wrong has words and advice, in both languages."""

import pytest
from sqlalchemy import select

from controller.database import transaction
from controller.fleet import node_story
from controller.models import Device, DeviceBinding, EventKind
from protocol.outcomes import Problem
from tests.web.village import NOW
from web import troubles


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("code", Problem)
def test_each_has_words_and_a_remedy(app, code, language):
    with app.test_request_context(headers={"Accept-Language": language}):
        said, (remedy,) = troubles.word(code), troubles.remedies([code])
    assert "_" not in said
    assert len(said) > 8
    assert remedy.endswith(".")


def test_each_reads_differently_in_english(app):
    def told(language):
        with app.test_request_context(headers={"Accept-Language": language}):
            return [(troubles.word(code), *troubles.remedies([code])) for code in Problem]

    assert all(not set(vi) & set(en) for vi, en in zip(told("vi"), told("en"), strict=True))


def test_a_code_of_a_later_device_is_shown_as_it_is(app):
    with app.test_request_context():
        assert troubles.words("too_hot gnawed") == "Thiết bị quá nóng, gnawed"
        assert troubles.remedies(["gnawed"]) == []


def test_a_cluster_s_page_shows_words_and_no_code(visit, services, village):
    cluster = village.nodes["Hạ"]
    with transaction(services.engine) as session:
        bound = select(DeviceBinding.device_id).where(DeviceBinding.node_id == cluster)
        device = session.scalars(select(Device).where(Device.id.in_(bound))).one()
        device.status = {**(device.status or {}), "problems": [each.value for each in Problem]}
        codes = " ".join(each.value for each in Problem)
        node_story.add(session, cluster, EventKind.TROUBLE, NOW, codes)
    page = visit("tom").get(f"/nodes/{cluster}").text
    assert not [each for each in Problem if f">{each}" in page or f" {each}" in page]
    assert "Cửa hộp thiết bị đang mở" in page
    assert "nếu không ai mở, đến xem ngay" in page
