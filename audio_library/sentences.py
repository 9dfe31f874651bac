"""The words of refusals and warnings, Vietnamese first: what is wrong and what to do about it.

A test walks both tables: every entry has both languages and the same placeholders in each.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason to refuse; `{names}` in the sentences are filled from the error's facts."""

    vi: str
    en: str
    retryable: bool = False


REFUSALS: dict[str, Refusal] = {
    "empty": Refusal(
        "Tệp trống (0 byte); hãy kiểm tra lại bản ghi rồi tải lên lần nữa.",
        "The file is empty (0 bytes); check the recording and upload it again.",
    ),
    "not_audio": Refusal(
        "Đây không phải tệp âm thanh hoặc video; hãy chọn tệp ghi âm (MP3, M4A, WAV, AMR, video).",
        "This is not a sound or video file; choose a recording (MP3, M4A, WAV, AMR, video).",
    ),
    "no_sound": Refusal(
        "Tệp này không có phần âm thanh; hãy chọn tệp có tiếng.",
        "This file has no sound track; choose one that has sound.",
    ),
    "silent": Refusal(
        "Bản ghi không có tiếng nói nào nghe được; hãy ghi lại gần micrô hơn.",
        "Nothing audible is in this recording; record it again closer to the microphone.",
    ),
    "too_short": Refusal(
        "Bản ghi quá ngắn (dưới {least} giây); hãy ghi lại cho đủ câu.",
        "The recording is too short (under {least} seconds); record the whole sentence again.",
    ),
    "too_long": Refusal(
        "Bản ghi dài hơn {most} phút; hãy cắt thành nhiều phần rồi tải lên từng phần.",
        "The recording is longer than {most} minutes; cut it into parts and upload each one.",
    ),
    "too_large": Refusal(
        "Tệp lớn hơn {most} MB; hãy gửi bản MP3 hoặc cắt ngắn rồi tải lên.",
        "The file is larger than {most} MB; send it as MP3 or shorten it first.",
    ),
    "damaged": Refusal(
        "Tệp bị hỏng, không đọc được hết; hãy xin lại bản gốc rồi tải lên.",
        "The file is damaged and most of it cannot be read; ask for the original and upload that.",
    ),
    "absurd": Refusal(
        "Tệp khai thông số âm thanh vô lý; hãy chuyển sang MP3 rồi tải lên.",
        "The file declares sound settings that make no sense; convert it to MP3 and upload that.",
    ),
    "unsupported": Refusal(
        "Không đọc được kiểu nén âm thanh này; hãy chuyển sang MP3 hoặc M4A rồi tải lên.",
        "This kind of sound compression is not supported; convert it to MP3 or M4A first.",
    ),
    "not_a_file": Refusal(
        "Không mở được tệp; hãy chọn lại một tệp âm thanh trên máy.",
        "The file cannot be opened; choose a sound file on this machine again.",
    ),
    "bad_trim": Refusal(
        "Điểm cắt không nằm trong bản ghi; hãy chọn lại điểm đầu và điểm cuối.",
        "The cut lies outside the recording; choose its start and end again.",
    ),
    "disk_full": Refusal(
        "Ổ đĩa của máy chủ đã đầy nên chưa lưu được; hãy dọn bớt rồi tải lên lại.",
        "The server's disk is full, nothing was stored; free some space and upload again.",
        retryable=True,
    ),
    "timeout": Refusal(
        "Xử lý tệp này quá lâu nên đã dừng; hãy thử lại hoặc gửi bản MP3.",
        "Working on this file took too long and was stopped; try again or send it as MP3.",
        retryable=True,
    ),
    "too_heavy": Refusal(
        "Tệp này cần quá nhiều bộ nhớ hoặc máy tính toán; hãy chuyển sang MP3 rồi tải lên.",
        "This file needs too much memory or computing; convert it to MP3 and upload that.",
    ),
    "cancelled": Refusal(
        "Đã hủy theo yêu cầu, chưa lưu gì; có thể tải lên lại khi cần.",
        "Cancelled as asked and nothing was stored; upload again when needed.",
        retryable=True,
    ),
    "sandbox": Refusal(
        "Máy chủ chưa dựng được vùng cách ly để đọc tệp lạ; hãy báo kỹ thuật viên ({detail}).",
        "The server cannot fence off the reading of foreign files; call a technician ({detail}).",
    ),
    "store_corrupt": Refusal(
        "Tệp đã lưu {sha256}… bị mất hoặc hỏng; hãy tải lên lại hoặc khôi phục bản sao lưu.",
        "The stored file {sha256}… is missing or damaged; upload it again or restore a backup.",
    ),
    "empty_text": Refusal(
        "Chưa có chữ nào để đọc; hãy gõ nội dung thông báo.",
        "There is no text to speak; type the announcement.",
    ),
    "text_too_long": Refusal(
        "Nội dung dài quá {most} chữ cái; hãy chia thành nhiều bản tin.",
        "The text is longer than {most} characters; split it into several announcements.",
    ),
    "no_voice": Refusal(
        "Chưa có giọng đọc cho ngôn ngữ này ({language}); hãy ghi âm hoặc chọn giọng khác.",
        "No voice is installed for this language ({language}); record it or choose another voice.",
    ),
    "voice_missing": Refusal(
        "Chưa cài giọng đọc “{voice}” trên máy chủ; hãy cài {remedy} hoặc chọn giọng khác.",
        "The voice “{voice}” is not installed on the server; install {remedy} or choose another.",
    ),
    "voice_failed": Refusal(
        "Giọng đọc “{voice}” không đọc được nội dung này; hãy thử lại hoặc chọn giọng khác.",
        "The voice “{voice}” could not speak this text; try again or choose another voice.",
        retryable=True,
    ),
    "nothing_to_play": Refusal(
        "Chương trình chưa có bản tin nào; hãy thêm ít nhất một bản tin.",
        "The programme is empty; add at least one clip.",
    ),
    "unknown_tune": Refusal(
        "Không có nhạc hiệu tên “{name}”; hãy chọn một trong: {known}.",
        "There is no tune named “{name}”; choose one of: {known}.",
    ),
    "pack_damaged": Refusal(
        "Gói bản tin bị cắt cụt hoặc hỏng ({detail}); hãy chép lại gói từ nơi xuất.",
        "The clip pack is cut off or damaged ({detail}); copy it again from where it was made.",
    ),
    "pack_untrusted": Refusal(
        "Chữ ký của gói bản tin không được tin cậy; chỉ nhập gói do đơn vị quen biết xuất.",
        "The clip pack's signature is not trusted; import only packs made by someone you know.",
    ),
    "pack_version": Refusal(
        "Gói bản tin thuộc phiên bản mới hơn ({version}); hãy nâng cấp phần mềm rồi nhập lại.",
        "The clip pack is of a newer version ({version}); update this software and import again.",
    ),
}


WARNINGS: dict[str, tuple[str, str]] = {
    "very_quiet": (
        "Tiếng gốc rất nhỏ nên đã được tăng mạnh, có thể lẫn tiếng ồn; nên ghi lại gần micrô hơn.",
        "The original is very quiet and was raised a lot, noise included; "
        "better record it closer to the microphone.",
    ),
    "clipped": (
        "Tiếng gốc bị vỡ vì ghi quá to; nên ghi lại xa micrô hơn một chút.",
        "The original is distorted from being recorded too loud; "
        "better record it a little further from the microphone.",
    ),
    "one_channel": (
        "Chỉ một kênh có tiếng; đã dùng kênh đó cho cả loa.",
        "Only one channel carries sound; that channel is used.",
    ),
    "opposite_channels": (
        "Hai kênh ngược pha nhau; đã dùng một kênh để tiếng không bị triệt tiêu.",
        "The two channels cancel each other; only one of them is used.",
    ),
    "mostly_music": (
        "Bản ghi phần lớn là nhạc; loa phóng thanh nghe rõ lời nói hơn là nhạc.",
        "The recording is mostly music; horns carry speech far better than music.",
    ),
    "truncated": (
        "Tệp bị cắt cụt: chỉ đọc được {heard} trong {declared} giây; hãy nghe lại trước khi phát.",
        "The file is cut off: {heard} of {declared} seconds could be read; "
        "listen to it before it goes on air.",
    ),
    "skipped_damage": (
        "Vài đoạn bị hỏng đã được bỏ qua; hãy nghe lại trước khi phát.",
        "Some damaged stretches were left out; listen to it before it goes on air.",
    ),
    "below_target": (
        "Không thể to đến mức chuẩn mà không vỡ tiếng; bản tin sẽ nghe nhỏ hơn các bản khác.",
        "It cannot reach the usual loudness without distortion; it will sound quieter than others.",
    ),
    "long_pauses": (
        "Có khoảng lặng dài trong bản ghi; hãy cân nhắc cắt bớt.",
        "There are long pauses inside the recording; consider cutting them.",
    ),
}
