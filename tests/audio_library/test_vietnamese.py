"""How written Vietnamese is read aloud: the forms that village announcements are full of."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_library.vietnamese import normalise
from audio_library.vietnamese.letters import is_syllable
from audio_library.vietnamese.names import ABBREVIATIONS, FOREIGN
from audio_library.vietnamese.numbers import cardinal, decimal, digits, ordinal, roman


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "không"),
        (5, "năm"),
        (10, "mười"),
        (15, "mười lăm"),
        (20, "hai mươi"),
        (21, "hai mươi mốt"),
        (24, "hai mươi tư"),
        (55, "năm mươi lăm"),
        (100, "một trăm"),
        (101, "một trăm linh một"),
        (111, "một trăm mười một"),
        (1000, "một nghìn"),
        (1001, "một nghìn không trăm linh một"),
        (2005, "hai nghìn không trăm linh năm"),
        (2025, "hai nghìn không trăm hai mươi lăm"),
        (15_000, "mười lăm nghìn"),
        (105_000, "một trăm linh năm nghìn"),
        (2_000_000, "hai triệu"),
        (2_000_005, "hai triệu không trăm linh năm"),
        (1_250_000_000, "một tỷ hai trăm năm mươi triệu"),
        (3_000_000_000_000, "ba nghìn tỷ"),
        (-4, "âm bốn"),
    ],
)
def test_numbers(number, words):
    assert cardinal(number) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("5,5", "năm phẩy năm"),
        ("1.234,5", "một nghìn hai trăm ba mươi tư phẩy năm"),
        ("0,25", "không phẩy hai mươi lăm"),
        ("0,05", "không phẩy không năm"),
        ("3.5", "ba phẩy năm"),
        ("3.500", "ba nghìn năm trăm"),
    ],
)
def test_decimals(written, words):
    assert decimal(written) == words


def test_other_ways_to_say_a_number():
    assert digits("0912") == "không chín một hai"
    assert [ordinal(n) for n in (1, 2, 4, 7)] == ["nhất", "hai", "tư", "bảy"]
    assert [roman(n) for n in ("IV", "XIV", "XXI", "CXL")] == [4, 14, 21, 140]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # The forms named as examples.
        ("UBND", "ủy ban nhân dân"),
        ("CNSCĐ", "công nghệ số cộng đồng"),
        ("VNeID", "vi en i ai đi"),
        ("17h30", "mười bảy giờ ba mươi phút"),
        (
            "24/4/2025",
            "ngày hai mươi tư tháng tư năm hai nghìn không trăm hai mươi lăm",
        ),
        ("2.000.000đ", "hai triệu đồng"),
        # Hours.
        ("7h05", "bảy giờ năm phút"),
        ("8h", "tám giờ"),
        ("08:00", "tám giờ"),
        ("17 giờ 30 phút", "mười bảy giờ ba mươi phút"),
        ("từ 7h-9h30", "từ bảy giờ đến chín giờ ba mươi phút"),
        ("8:00 - 11:30", "tám giờ đến mười một giờ ba mươi phút"),
        ("trực 24/24h", "trực suốt hai mươi tư giờ"),
        # Dates.
        ("ngày 24/4", "ngày hai mươi tư tháng tư"),
        ("ngày 2/9", "ngày mùng hai tháng chín"),
        ("mùng 5/5 âm lịch", "mùng năm tháng năm âm lịch"),
        ("2025-04-24", "ngày hai mươi tư tháng tư năm hai nghìn không trăm hai mươi lăm"),
        ("24-04-2025", "ngày hai mươi tư tháng tư năm hai nghìn không trăm hai mươi lăm"),
        ("tháng 4/2025", "tháng tư năm hai nghìn không trăm hai mươi lăm"),
        ("quý III/2025", "quý ba năm hai nghìn không trăm hai mươi lăm"),
        ("ngày 15 tháng 8", "ngày mười lăm tháng tám"),
        ("1-5/5", "ngày mùng một đến ngày mùng năm tháng năm"),
        ("thứ 7", "thứ bảy"),
        ("T2-T6, CN nghỉ", "thứ hai đến thứ sáu, chủ nhật nghỉ"),
        ("giai đoạn 2021-2025", "giai đoạn hai nghìn không trăm hai mươi mốt đến hai nghìn không"
         " trăm hai mươi lăm"),
        # Money.
        ("500.000 đồng", "năm trăm nghìn đồng"),
        ("1,5 triệu đồng", "một phẩy năm triệu đồng"),
        ("50k", "năm mươi nghìn đồng"),
        ("25.000đ/kg", "hai mươi lăm nghìn đồng một ki lô gam"),
        ("100.000 VNĐ/hộ", "một trăm nghìn đồng một hộ"),
        # Telephone.
        ("0912.345.678", "không chín một hai, ba bốn năm, sáu bảy tám"),
        ("0912345678", "không chín một hai, ba bốn năm, sáu bảy tám"),
        ("gọi 1900 1234", "gọi một chín không không, một hai ba bốn"),
        ("Gọi 112, 113 hoặc 115", "Gọi một một hai, một một ba hoặc một một năm"),
        # Measures and spans.
        ("5,5%", "năm phẩy năm phần trăm"),
        ("35°C", "ba mươi lăm độ xê"),
        ("3-5 người", "ba đến năm người"),
        ("100m2", "một trăm mét vuông"),
        ("60km/h", "sáu mươi ki lô mét một giờ"),
        ("2/3 số hộ", "hai phần ba số hộ"),
        ("cấp 8-9", "cấp tám đến chín"),
        ("lần thứ XIV", "lần thứ mười bốn"),
        ("lần thứ 4", "lần thứ tư"),
        ("12 + 3", "mười hai cộng ba"),
        # Documents, places, addresses.
        ("số 12/TB-UBND", "số mười hai, thông báo của ủy ban nhân dân"),
        ("Nghị định 49/2024/NĐ-CP", "Nghị định số bốn mươi chín năm hai nghìn không trăm hai mươi"
         " tư của chính phủ"),
        ("Nghị quyết số 57-NQ/TW", "Nghị quyết số năm mươi bảy của trung ương"),
        ("ông A (SN 1975), xóm 7B", "ông A, sinh năm một nghìn chín trăm bảy mươi lăm, xóm bảy bê"),
        ("số nhà 12/5", "số nhà mười hai trên năm"),
        ("NPK 16-16-8", "nờ pê ca mười sáu, mười sáu, tám"),
        ("1,2m – 1,5m", "một phẩy hai đến một phẩy năm mét"),
        ("1.984 đồng/kWh", "một nghìn chín trăm tám mươi tư đồng một ki lô oát giờ"),
        ("(19/5/1890)", "ngày mười chín tháng năm năm một nghìn tám trăm chín mươi"),
        ("TP.HCM", "thành phố Hồ Chí Minh"),
        ("P.5", "phường năm"),
        ("QL1A", "quốc lộ một A"),
        ("dichvucong.gov.vn", "dịch vụ công chấm gốp chấm vê en"),
        # Letters and borrowed words.
        ("mã OTP", "mã ô tê pê"),
        ("XYZK", "ích i dét ca"),
        ("mã QR", "mã quy a"),
        ("Zalo", "da lô"),
        ("4G", "bốn gờ"),
        ("COVID-19", "cô vít mười chín"),
        ("TP Đà Nẵng, v.v...", "thành phố Đà Nẵng, vân vân"),
        ("😀 Xin chào!!!", "Xin chào!"),
        ("Nghị định 13/2023/NĐ-CP ngày 17/4/2023 của Chính phủ",
         "Nghị định số mười ba năm hai nghìn không trăm hai mươi ba ngày mười bảy tháng tư năm hai "
         "nghìn không trăm hai mươi ba của Chính phủ"),
        ("Luật số 20/2023/QH15",
         "Luật số hai mươi năm hai nghìn không trăm hai mươi ba, quốc hội khóa mười lăm"),
        ("Quốc lộ QL1A", "quốc lộ một A"),
        ("đường ĐT.742", "đường tỉnh bảy trăm bốn mươi hai"),
        ("đường 30/4", "đường ba mươi tháng tư"),
        ("nước lên mức BĐ3", "nước lên mức báo động ba"),
        ("BCH Đảng bộ", "ban chấp hành Đảng bộ"),
        ("Thứ 4 (25/11)", "Thứ tư, ngày hai mươi lăm tháng mười một"),
        ("Mùng 10/3", "Mùng mười tháng ba"),
        ("1/2 quả", "một phần hai quả"),
        ("học phí 1tr5", "học phí một triệu năm trăm nghìn đồng"),
        ("gọi 0912345678 hoặc 113, 114",
         "gọi không chín một hai, ba bốn năm, sáu bảy tám hoặc một một ba, một một bốn"),
        ("30m3/h, 50Hz", "ba mươi mét khối một giờ, năm mươi héc"),
        ("lúc 14g30', kết thúc 16g", "lúc mười bốn giờ ba mươi phút, kết thúc mười sáu giờ"),
        ("tài khoản 1020 3456 7890",
         "tài khoản một không hai không, ba bốn năm sáu, bảy tám chín không"),
        ("Biển số 99A-123.45", "Biển số chín mươi chín A một hai ba, bốn năm"),
        ("nhiệt độ -2°C", "nhiệt độ âm hai độ xê"),
        ("người > 60 tuổi, giảm ≤ 5%",
         "người trên sáu mươi tuổi, giảm nhiều nhất năm phần trăm"),
        ("huyết áp 140/90 mmHg",
         "huyết áp một trăm bốn mươi trên chín mươi mi li mét thủy ngân"),
        ("tỷ số 3-1", "tỷ số ba, một"),
        ("bão YAGI, NSNN", "bão Yagi, ngân sách nhà nước"),
        ("LH: 0912345678", "liên hệ: không chín một hai, ba bốn năm, sáu bảy tám"),
        ("phạt 500.000-1.000.000 đồng", "phạt năm trăm nghìn đến một triệu đồng"),
        ("5-10 triệu đồng/hộ, 100k-200k",
         "năm đến mười triệu đồng một hộ, một trăm nghìn đến hai trăm nghìn đồng"),
        ("5 000 đồng; 1,000,000 VND", "năm nghìn đồng; một triệu đồng"),
        ("ngày 2-9, lễ 30-4 và 1-5; mừng 20-11",
         "ngày mùng hai tháng chín, lễ ngày ba mươi tháng tư và ngày mùng một tháng năm; "
         "mừng ngày hai mươi tháng mười một"),
        ("ngày 10-15 hằng tháng", "ngày mười đến mười lăm hằng tháng"),
        ("đạt 17/19 tiêu chí, họp ngày 12/11 thôn 3",
         "đạt mười bảy trên mười chín tiêu chí, họp ngày mười hai tháng mười một thôn ba"),
        ("gọi 113, 114, 115 khi cần", "gọi một một ba, một một bốn, một một năm khi cần"),
        ("gọi 18001091 hoặc 1022. Có 1022 hộ",
         "gọi một tám không không một không chín một hoặc một không hai hai. "
         "Có một nghìn không trăm hai mươi hai hộ"),
        ("báo động III; khu vực I, II và III", "báo động ba; khu vực một, hai và ba"),
        ("HÀNH VI VI PHẠM", "HÀNH VI VI PHẠM"),
        ("cao 1m5, sâu 2m3, dài 1m65, 20 m3",
         "cao một mét rưỡi, sâu hai mét ba, dài một mét sáu mươi lăm, hai mươi mét khối"),
        ("10m x 20m = 200m2", "mười mét nhân hai mươi mét bằng hai trăm mét vuông"),
        ("10.000 con/ha, 20ml/bình", "mười nghìn con một héc ta, hai mươi mi li lít một bình"),
        ("mật khẩu 12345678", "mật khẩu một hai ba bốn năm sáu bảy tám"),
        ("thực hiện 5K; (0204) 3854.229",
         "thực hiện năm ca; không hai không bốn, ba tám năm bốn, hai hai chín"),
        ("Bà H'Hen Niê ở KP3", "Bà Hờ Hen Niê ở khu phố ba"),
        ("tỷ lệ 1:500", "tỷ lệ một trên năm trăm"),
    ],
)  # fmt: skip
def test_what_is_written_is_read_as_people_say_it(written, spoken):
    assert normalise(written) == spoken


def test_a_real_notice():
    notice = (
        "THÔNG BÁO\nUBND xã tổ chức cấp CCCD vào 7h30 ngày 24/4/2025 tại NVH thôn 3.\n"
        "- Lệ phí: 50.000đ/người\n- Liên hệ: đ/c Nam, SĐT 0912.345.678"
    )

    assert normalise(notice) == (
        "THÔNG BÁO.\n"
        "ủy ban nhân dân xã tổ chức cấp căn cước công dân vào bảy giờ ba mươi phút ngày hai mươi "
        "tư tháng tư năm hai nghìn không trăm hai mươi lăm tại nhà văn hóa thôn ba.\n"
        "Lệ phí: năm mươi nghìn đồng một người.\n"
        "Liên hệ: đồng chí Nam, số điện thoại không chín một hai, ba bốn năm, sáu bảy tám"
    )


def test_words_in_capitals_are_not_spelled():
    assert normalise("THÔNG BÁO KHẨN CẤP") == "THÔNG BÁO KHẨN CẤP"
    assert normalise("LICH TIEM CHUNG") == "LICH TIEM CHUNG"


@pytest.mark.parametrize("abbreviation", ABBREVIATIONS)
def test_every_abbreviation_is_read_in_words(abbreviation):
    spoken = normalise(f"Theo {abbreviation} xã")

    assert abbreviation not in spoken
    assert all(is_syllable(word) for word in ABBREVIATIONS[abbreviation].split())


@pytest.mark.parametrize("name", FOREIGN)
def test_every_borrowed_word_is_read_the_vietnamese_way(name):
    assert normalise(f"dùng {name} nhé") == f"dùng {FOREIGN[name]} nhé"


def test_plain_text_stays_as_it_is():
    text = "Kính thưa bà con. Hôm nay trời đẹp, mời bà con ra đồng!\nXin cảm ơn."

    assert normalise(text) == text


def test_what_was_normalised_is_not_changed_again():
    once = normalise("Họp lúc 17h30 ngày 24/4/2025, phí 2.000.000đ, gọi 0912.345.678")

    assert normalise(once) == once


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("0123456789.,:/-+%hgđkm² TPUBNDVIX()\nábệ&*@"), max_size=40)
)
def test_nothing_unreadable_is_left(text):
    spoken = normalise(text)

    assert not re.search(r"\d", spoken)
    assert not re.search(r"[^\w\s.,;:!?']", spoken)
