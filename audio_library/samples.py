"""Texts ready to use: six sample guidance clips, one per content area, and emergency messages.

Written for this project in plain spoken Vietnamese: short sentences, one action each, the key
sentence twice, for ears at a hundred metres. Rendered by the built-in voice on request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from audio_library.ingest import Ingested
from audio_library.speech import speak
from audio_library.store import Store


@dataclass(frozen=True, slots=True)
class Sample:
    """A guidance clip to start with; `topic` is the ministry's content area, 1 to 6."""

    key: str
    topic: int
    app: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class EmergencyMessage:
    """A message for one kind of danger; `{...}` in the text are to be filled in by the official.

    `tune` names the alert tone that belongs before it: a drill and the all-clear have their own.
    """

    key: str
    title: str
    title_en: str
    tune: str
    text: str

    def filled(self, **facts: str) -> str:
        """The text with its blanks filled; blanks not given stay readable phrases."""
        return self.text.format_map(_BLANKS | facts)


# What an unfilled blank is called aloud, so that a message is never half a sentence.
_BLANKS = {
    "noi": "địa bàn xã ta",
    "khi": "trong những giờ tới",
    "tap_trung": "nhà văn hóa thôn",
}


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "dich_vu_cong",
        1,
        "Cổng Dịch vụ công",
        "Nộp hồ sơ tại nhà qua Cổng Dịch vụ công",
        """Kính thưa bà con.
Từ nay, bà con có thể nộp nhiều loại giấy tờ ngay tại nhà, không phải đi lại nhiều lần.
Bước một, bà con mở trang dichvucong.gov.vn trên điện thoại.
Bước hai, bà con đăng nhập bằng tài khoản VNeID mức 2.
Bước ba, bà con gõ tên việc cần làm, ví dụ: đăng ký khai sinh, rồi làm theo hướng dẫn.
Ai chưa quen, xin đến nhà văn hóa thôn vào tối thứ 5 hằng tuần, từ 19h30 đến 21h. \
Tổ công nghệ số cộng đồng sẽ giúp từng người, không thu tiền.
Xin nhắc lại: nộp giấy tờ tại nhà, mở trang dichvucong.gov.vn.
Xin cảm ơn bà con đã lắng nghe.""",
    ),
    Sample(
        "thanh_toan",
        2,
        "VNPT Money",
        "Trả tiền điện, tiền nước bằng điện thoại",
        """Kính thưa bà con.
Trả tiền điện, tiền nước bằng điện thoại vừa nhanh, vừa khỏi lo thiếu tiền lẻ.
Bà con cài một ứng dụng thanh toán, như VNPT Money hoặc Viettel Money, rồi liên kết với \
tài khoản ngân hàng của mình.
Mỗi tháng, bà con chỉ cần mở ứng dụng, chọn hóa đơn, xem đúng tên và đúng số tiền, rồi bấm trả.
Bà con nhớ kỹ: không đọc mã OTP cho bất kỳ ai, kể cả người tự xưng là cán bộ ngân hàng.
Cần giúp đỡ, bà con gặp Tổ công nghệ số cộng đồng của thôn.
Xin cảm ơn bà con.""",
    ),
    Sample(
        "ban_hang",
        3,
        "Postmart",
        "Bán nông sản trên sàn thương mại điện tử",
        """Kính thưa bà con.
Cam, mật ong, gạo nếp của quê ta có thể bán đi khắp cả nước qua sàn thương mại điện tử.
Bà con chuẩn bị ba thứ: ảnh chụp sản phẩm rõ và thật, giá bán cho mỗi 1kg, và số điện thoại.
Sau đó, bà con đến điểm bưu điện xã hoặc gặp Tổ công nghệ số cộng đồng để mở gian hàng \
trên Postmart hay Voso. Mở gian hàng không mất tiền.
Khi có người đặt mua, bưu điện đến tận nhà nhận hàng và thu tiền hộ.
Xin nhắc lại: mở gian hàng không mất tiền, có người giúp tận nơi.
Chúc bà con được mùa, được giá.""",
    ),
    Sample(
        "nen_tang_so",
        4,
        "VssID",
        "Dùng thẻ bảo hiểm y tế trên điện thoại",
        """Kính thưa bà con.
Đi khám bệnh, bà con không cần mang thẻ bảo hiểm y tế bằng giấy nữa.
Bà con mở ứng dụng VssID hoặc VNeID trên điện thoại và đưa thẻ điện tử cho nhân viên y tế xem.
Trên VssID, bà con còn xem được quá trình đóng BHXH và các lần đi khám của mình.
Ai chưa cài, xin mang theo CCCD và điện thoại đến trạm y tế xã, từ 8h đến 11h, thứ 2 đến thứ 6. \
Cán bộ sẽ cài giúp.
Xin cảm ơn bà con đã lắng nghe.""",
    ),
    Sample(
        "an_toan_mang",
        5,
        "",
        "Bốn điều cần nhớ để không bị lừa qua điện thoại",
        """Kính thưa bà con.
Gần đây, kẻ gian gọi điện tự xưng là công an, tòa án, nhân viên điện lực để lừa lấy tiền.
Bà con nhớ bốn điều.
Một: công an và tòa án không làm việc qua điện thoại, không yêu cầu chuyển tiền.
Hai: không bấm vào đường dẫn lạ gửi qua tin nhắn.
Ba: không đọc mã OTP và mật khẩu cho bất kỳ ai.
Bốn: thấy nghi ngờ thì cúp máy, hỏi người nhà, hoặc báo công an xã.
Nếu lỡ chuyển tiền, bà con gọi ngay cho ngân hàng để khóa tài khoản, rồi gọi 113.
Xin nhắc lại: không chuyển tiền theo yêu cầu của người lạ.""",
    ),
    Sample(
        "viec_dia_phuong",
        6,
        "",
        "Lịch học buổi tối của Tổ công nghệ số cộng đồng",
        """Kính thưa bà con.
Tổ công nghệ số cộng đồng mở lớp hướng dẫn dùng điện thoại thông minh cho bà con trong thôn.
Lớp học vào tối thứ 3 và tối thứ 5 hằng tuần, từ 19h30 đến 21h, tại nhà văn hóa thôn.
Bà con mang theo điện thoại và căn cước công dân. Ai không có điện thoại vẫn đến học được.
Lớp học không thu tiền, ông bà cao tuổi được kèm riêng từng người.
Xin nhắc lại: 19h30, thứ 3 và thứ 5, tại nhà văn hóa thôn.
Rất mong bà con đến đông đủ.""",
    ),
)

EMERGENCY_MESSAGES: tuple[EmergencyMessage, ...] = (
    EmergencyMessage(
        "lu_lut",
        "Lũ, ngập lụt",
        "Flood",
        "bao_dong",
        """Thông báo khẩn! Thông báo khẩn! Nước lũ đang lên tại {noi}.
Bà con ở vùng thấp, ven sông, ven suối di chuyển ngay lên chỗ cao, đến {tap_trung}.
Ngắt cầu dao điện. Mang theo nước uống, thuốc, điện thoại và giấy tờ.
Tuyệt đối không lội hoặc đi xe qua chỗ nước chảy xiết. Không vớt củi.
Giúp người già, trẻ em và hàng xóm. Cần cứu giúp, gọi 112 hoặc 114.""",
    ),
    EmergencyMessage(
        "bao",
        "Bão",
        "Storm",
        "bao_dong",
        """Thông báo khẩn! Bão sắp ảnh hưởng đến {noi}, {khi}.
Bà con chằng chống nhà cửa, cắt tỉa cành cây, đưa đồ đạc vào trong nhà.
Tàu thuyền vào nơi tránh trú. Không ở lại trên tàu, trên lồng bè, trên chòi canh.
Khi bão đổ bộ, bà con ở yên trong nhà chắc chắn, tránh xa cửa kính. Không ra ngoài khi gió lặng \
đột ngột, vì gió sẽ mạnh trở lại.
Nhà không chắc chắn, đến ngay {tap_trung}. Cần cứu giúp, gọi 112.""",
    ),
    EmergencyMessage(
        "chay",
        "Cháy",
        "Fire",
        "bao_dong",
        """Thông báo khẩn! Đang có cháy tại {noi}.
Bà con ở gần hãy rời khỏi nhà ngay, đi ngược chiều gió, cúi thấp người khi có khói.
Không quay lại lấy đồ. Không đi thang máy.
Nhường đường cho xe chữa cháy. Ai có bình chữa cháy và biết sử dụng, xin hỗ trợ lực lượng tại chỗ.
Báo cháy gọi 114.""",
    ),
    EmergencyMessage(
        "sat_lo",
        "Sạt lở đất, lũ quét",
        "Landslide and flash flood",
        "bao_dong",
        """Thông báo khẩn! Có nguy cơ sạt lở đất và lũ quét tại {noi}.
Bà con sống dưới chân đồi, mái dốc, ven suối rời khỏi nhà ngay, đến {tap_trung}.
Nếu thấy nước suối bỗng đục, nghe tiếng ầm ầm, thấy nứt đất, nghiêng cây: chạy ngay lên chỗ cao, \
chạy sang ngang, không chạy dọc theo suối.
Không đi qua đoạn đường sạt lở. Cần cứu giúp, gọi 112 hoặc 114.""",
    ),
    EmergencyMessage(
        "tim_nguoi",
        "Tìm người mất tích",
        "Missing person",
        "chu_y",
        """Thông báo tìm người. Trên {noi} có một người đang mất liên lạc với gia đình.
Bà con ai nhìn thấy người lạ đi một mình, có vẻ lạc đường, xin giữ lại, cho ngồi nghỉ, uống nước, \
và báo ngay cho công an xã hoặc trưởng thôn.
Bà con kiểm tra giúp vườn, chuồng trại, bờ ao, nhà bỏ không gần nhà mình.
Xin cảm ơn bà con.""",
    ),
    EmergencyMessage(
        "dien_tap",
        "Diễn tập",
        "Drill",
        "dien_tap",
        """Đây là diễn tập. Đây là diễn tập. Không có thiên tai, không có nguy hiểm.
Xã ta đang diễn tập phòng chống thiên tai tại {noi}.
Bà con bình tĩnh, làm theo hướng dẫn của cán bộ thôn. Không gọi các số khẩn cấp vì buổi tập này.
Xin nhắc lại: đây chỉ là diễn tập.""",
    ),
    EmergencyMessage(
        "dinh_chinh",
        "Đính chính",
        "Correction",
        "chu_y",
        """Xin đính chính. Xin đính chính.
Thông báo vừa phát trên loa là không đúng. Bà con không phải làm theo thông báo đó.
Không có nguy hiểm tại {noi}. Bà con yên tâm sinh hoạt bình thường.
Ủy ban nhân dân xã thành thật xin lỗi bà con.""",
    ),
    EmergencyMessage(
        "bao_an",
        "Báo an",
        "All clear",
        "bao_an",
        """Tin báo an. Tin báo an. Tình huống nguy hiểm tại {noi} đã kết thúc.
Bà con đi sơ tán có thể về nhà theo hướng dẫn của cán bộ thôn.
Trước khi vào nhà, bà con xem tường, mái, dây điện; nhà bị ướt thì chưa đóng điện.
Đun sôi nước trước khi uống. Nhà nào thiệt hại, báo trưởng thôn để được giúp đỡ.
Cảm ơn bà con đã bình tĩnh và đùm bọc nhau.""",
    ),
)


def render_sample(
    key: str,
    store: Store,
    *,
    voice: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> Ingested:
    """Speak one of `SAMPLES`. KeyError for a key it does not have; raises AudioError."""
    return speak(_by_key(SAMPLES, key).text, "vi", store, voice=voice, progress=progress)


def render_emergency(key: str, store: Store, *, voice: str | None = None, **facts: str) -> Ingested:
    """Speak one of `EMERGENCY_MESSAGES`; facts: noi (where), khi (when), tap_trung (shelter)."""
    return speak(_by_key(EMERGENCY_MESSAGES, key).filled(**facts), "vi", store, voice=voice)


_Text = TypeVar("_Text", Sample, EmergencyMessage)


def _by_key(texts: tuple[_Text, ...], key: str) -> _Text:
    return {text.key: text for text in texts}[key]
