"""Sound made and cut in the browser: the two marks, the microphone, a text read out."""

import re
import subprocess

import pytest

from controller.database import reading
from controller.models import Clip
from tests.browser.conftest import looked_at, until

pytestmark = pytest.mark.browser


@pytest.fixture
def clip_id(own_site):
    return own_site.village.clips[5]


@pytest.fixture
def editor(own_site, open_as, clip_id):
    page = open_as(own_site, "erin", f"/clips/{clip_id}/edit", width=1280)
    page.locator(".editor-mark").first.wait_for()
    return page


def versions(site, clip_id):
    with reading(site.services.engine) as session:
        found = session.get(Clip, clip_id).versions
        return [(each.duration_ms, each.edit, each.source_sha256) for each in found]


def field(page, name):
    return float(page.input_value(f"#{name}"))


def test_a_mark_is_dragged_and_brought_back(editor):
    end = field(editor, "end")
    box = editor.locator(".editor-box").bounding_box()
    mark = editor.get_by_role("slider", name="Mốc kết thúc").bounding_box()
    editor.mouse.move(mark["x"] + 24, mark["y"] + 40)
    editor.mouse.down()
    editor.mouse.move(box["x"] + box["width"] / 2, mark["y"] + 40, steps=5)
    editor.mouse.up()
    assert field(editor, "end") == pytest.approx(end / 2, abs=0.15)
    editor.get_by_role("button", name="Hoàn tác").click()
    assert field(editor, "end") == end


def test_keys_move_a_mark_and_say_where_it_is(editor):
    mark = editor.get_by_role("slider", name="Mốc bắt đầu")
    mark.focus()
    editor.keyboard.press("PageUp")
    editor.keyboard.press("ArrowRight")
    assert field(editor, "start") == pytest.approx(1.1)
    assert mark.get_attribute("aria-valuenow") == "1.1"
    assert re.fullmatch(r"Giữ lại \d+,\d giây\.", editor.locator("[data-chosen]").inner_text())


def test_the_chosen_part_is_listened_to_and_stops_at_its_end(editor):
    editor.fill("#start", "0.5")
    editor.fill("#end", "1.2")
    editor.keyboard.press("Tab")
    editor.get_by_role("button", name="Nghe đoạn đã chọn").click()
    editor.get_by_role("button", name="Dừng nghe").wait_for()
    editor.get_by_role("button", name="Nghe đoạn đã chọn").wait_for()
    at = editor.evaluate("() => document.querySelector('audio').currentTime")
    assert 1.0 < at < 1.6


def test_a_cut_is_a_new_version_and_can_be_undone(own_site, editor, clip_id):
    editor.fill("#start", "0.5")
    editor.fill("#end", "2")
    editor.get_by_role("button", name="Lưu thành phiên bản mới").click()
    editor.get_by_text("Đã cắt. Bản gốc vẫn giữ").wait_for()
    before, after = versions(own_site, clip_id)
    assert after[0] == pytest.approx(1500, abs=30)
    assert after[1] == {"start_ms": 500, "end_ms": 2000}
    assert after[2] == before[2]

    editor.get_by_role("link", name="Cắt âm thanh").click()
    assert (field(editor, "start"), field(editor, "end")) == (0.5, 2.0)
    editor.get_by_role("button", name="Bỏ mọi lần cắt").click()
    editor.get_by_text("Đã bỏ các lần cắt").wait_for()
    assert versions(own_site, clip_id)[-1][1] is None


def test_the_marks_are_fields_without_scripts(own_site, browser, browser_context_args, clip_id):
    with browser.new_context(**browser_context_args, java_script_enabled=False) as context:
        context.add_cookies([own_site.cookie("erin")])
        page = context.new_page()
        page.goto(f"{own_site.url}/clips/{clip_id}/edit")
        page.fill("#start", "2")
        page.fill("#end", "1")
        page.get_by_role("button", name="Lưu thành phiên bản mới").click()
        assert page.get_by_role("alert").is_visible()
        page.fill("#end", "3")
        page.get_by_role("button", name="Lưu thành phiên bản mới").click()
        assert "Đã cắt." in page.inner_text("main")


def test_a_voice_is_recorded_heard_again_and_sent(own_site, open_as):
    page = open_as(own_site, "erin", "/clips/new")
    page.get_by_role("button", name="Thu âm", exact=True).click()
    page.get_by_role("button", name="Dừng thu").wait_for()
    until(page, "document.querySelector('voice-recorder meter').value > 20")
    until(page, "parseInt(document.querySelector('voice-recorder time').innerText.slice(2)) >= 2")
    looked_at(page, "thu-am")
    page.get_by_role("button", name="Dừng thu").click()
    page.get_by_text("Đã thu xong").wait_for()
    page.fill("#title", "Thu bằng trình duyệt")
    page.select_option("#topic", "6")
    page.get_by_role("button", name="Gửi tệp").click()
    page.get_by_text("Đã nhận tệp, kiểm tra và chỉnh âm lượng xong.").wait_for()


def test_over_plain_http_the_phones_own_recorder_is_offered(site, open_as):
    page = open_as(site, "vera", "/")
    page.add_init_script("delete Navigator.prototype.mediaDevices")
    page.context.add_cookies([site.cookie("erin")])
    page.goto(site.url + "/clips/new")
    page.get_by_text("Trang này chưa dùng được micrô").wait_for()
    assert page.locator("input[capture]").is_visible()
    assert not page.get_by_role("button", name="Thu âm", exact=True).is_visible()


def test_an_upload_under_way_can_be_cancelled(own_site, open_as, watch):
    watch.expected = ("ERR_",)
    page = open_as(own_site, "erin", "/clips/new")
    page.route("**/clips/new", lambda _route: None)  # a network that never answers
    page.set_input_files(
        "#file", {"name": "a.wav", "mimeType": "audio/wav", "buffer": bytes(50_000)}
    )
    page.fill("#title", "Gửi dở")
    page.select_option("#topic", "6")
    page.get_by_role("button", name="Gửi tệp").click()
    page.get_by_role("button", name="Hủy gửi").click()
    page.get_by_text("Đã hủy. Tệp chưa được lưu.").wait_for()
    assert page.get_by_role("button", name="Gửi tệp").is_enabled()


def test_work_on_a_recording_shows_its_share_and_can_be_stopped(own_site, open_as, tmp_path, watch):
    watch.expected = ("422",)
    long = tmp_path / "long.mp3"
    tone = "sine=f=300:d=900:r=16000"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", tone, long], check=True
    )
    page = open_as(own_site, "erin", "/clips/new")
    page.set_input_files("#file", long)
    page.fill("#title", "Dài")
    page.select_option("#topic", "6")
    page.get_by_role("button", name="Gửi tệp").click()
    until(page, "document.querySelector('.upload-state progress').value > 0.5")
    page.get_by_text("Đang kiểm tra và chỉnh âm lượng").wait_for()
    page.get_by_role("button", name="Hủy gửi").click()
    page.get_by_text("Đã hủy theo yêu cầu").first.wait_for()
    with reading(own_site.services.engine) as session:
        assert session.query(Clip).filter_by(title="Dài").count() == 0


def test_a_text_is_heard_before_it_is_saved(own_site, open_as):
    page = open_as(own_site, "erin", "/clips/speak")
    page.fill("#text", "Họp thôn lúc 19h30 ngày 25/11.")
    page.fill("#title", "Họp thôn")
    page.select_option("#topic", "6")
    page.get_by_role("button", name="Nghe thử trước").click()
    page.get_by_text("Máy đọc như sau").wait_for()
    assert "mười chín giờ" in page.locator(".read-out").inner_text()
    player = page.locator(".read-out audio")
    player.evaluate("each => each.play()")
    until(page, "document.querySelector('.read-out audio').duration > 1")
    looked_at(page, "go-chu-nghe-thu")
    with reading(own_site.services.engine) as session:
        assert session.query(Clip).filter_by(title="Họp thôn").count() == 0
    page.get_by_role("button", name="Lưu bản tin").click()
    page.get_by_text("Đã đọc thành tiếng").wait_for()
    page.goto(own_site.url + "/clips/speak")
    assert page.input_value("#title") == ""
