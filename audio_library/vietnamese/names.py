"""Names and abbreviations of village announcements, in the order in which they are looked for."""

import re
from collections.abc import Callable

from audio_library.vietnamese.numbers import cardinal

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

# Abbreviation → words; matched as whole words with this very capitalisation.
ABBREVIATIONS: dict[str, str] = {
    "PCTT&TKCN": "phòng chống thiên tai và tìm kiếm cứu nạn",
    "PCTT": "phòng chống thiên tai",
    "TKCN": "tìm kiếm cứu nạn",
    "NN&PTNT": "nông nghiệp và phát triển nông thôn",
    "GD&ĐT": "giáo dục và đào tạo",
    "LĐTB&XH": "lao động thương binh và xã hội",
    "LĐTBXH": "lao động thương binh và xã hội",
    "TN&MT": "tài nguyên và môi trường",
    "TT&TT": "thông tin và truyền thông",
    "VHTT&DL": "văn hóa thể thao và du lịch",
    "KH&CN": "khoa học và công nghệ",
    "KT-XH": "kinh tế xã hội",
    "QP-AN": "quốc phòng an ninh",
    "TCNSCĐ": "tổ công nghệ số cộng đồng",
    "CNSCĐ": "công nghệ số cộng đồng",
    "CNS": "công nghệ số",
    "CNTT": "công nghệ thông tin",
    "CĐS": "chuyển đổi số",
    "DVCTT": "dịch vụ công trực tuyến",
    "DVC": "dịch vụ công",
    "TTHC": "thủ tục hành chính",
    "TMĐT": "thương mại điện tử",
    "ATTT": "an toàn thông tin",
    "UBND": "ủy ban nhân dân",
    "HĐND": "hội đồng nhân dân",
    "UBMTTQ": "ủy ban mặt trận tổ quốc",
    "MTTQ": "mặt trận tổ quốc",
    "ĐTN": "đoàn thanh niên",
    "ĐVTN": "đoàn viên thanh niên",
    "TNCS": "thanh niên cộng sản",
    "LHPN": "liên hiệp phụ nữ",
    "HLHPN": "hội liên hiệp phụ nữ",
    "CCB": "cựu chiến binh",
    "NCT": "người cao tuổi",
    "BCH": "ban chỉ huy",
    "BCĐ": "ban chỉ đạo",
    "BTC": "ban tổ chức",
    "CCCD": "căn cước công dân",
    "CMND": "chứng minh nhân dân",
    "GPLX": "giấy phép lái xe",
    "BHYT": "bảo hiểm y tế",
    "BHXH": "bảo hiểm xã hội",
    "BHTN": "bảo hiểm thất nghiệp",
    "GTGT": "giá trị gia tăng",
    "TNCN": "thu nhập cá nhân",
    "HTX": "hợp tác xã",
    "DN": "doanh nghiệp",
    "TNHH": "trách nhiệm hữu hạn",
    "QSDĐ": "quyền sử dụng đất",
    "GCN": "giấy chứng nhận",
    "NTM": "nông thôn mới",
    "OCOP": "ô cốp",
    "THCS": "trung học cơ sở",
    "THPT": "trung học phổ thông",
    "TH": "tiểu học",
    "MN": "mầm non",
    "PCCC": "phòng cháy chữa cháy",
    "CNCH": "cứu nạn cứu hộ",
    "ATGT": "an toàn giao thông",
    "ANTT": "an ninh trật tự",
    "ANTQ": "an ninh tổ quốc",
    "VSATTP": "vệ sinh an toàn thực phẩm",
    "ATTP": "an toàn thực phẩm",
    "VSMT": "vệ sinh môi trường",
    "SXH": "sốt xuất huyết",
    "KHHGĐ": "kế hoạch hóa gia đình",
    "NVQS": "nghĩa vụ quân sự",
    "QS": "quân sự",
    "SN": "sinh năm",
    "TBA": "trạm biến áp",
    "CSGT": "cảnh sát giao thông",
    "CA": "công an",
    "TDP": "tổ dân phố",
    "KDC": "khu dân cư",
    "KP": "khu phố",
    "NVH": "nhà văn hóa",
    "TW": "trung ương",
    "TƯ": "trung ương",
    "CP": "chính phủ",
    "TTg": "thủ tướng chính phủ",
    "VN": "Việt Nam",
    "XHCN": "xã hội chủ nghĩa",
    "CHXHCN": "cộng hòa xã hội chủ nghĩa",
    "SĐT": "số điện thoại",
    "ĐTDĐ": "điện thoại di động",
    "ĐT": "điện thoại",
    "VNĐ": "đồng",
    "VND": "đồng",
    "USD": "đô la Mỹ",
    "KW": "ki lô oát",
    "AL": "âm lịch",
    "ÂL": "âm lịch",
    "DL": "dương lịch",
    "LH": "liên hệ",
    "STK": "số tài khoản",
    "MST": "mã số thuế",
    "NSNN": "ngân sách nhà nước",
    "MTQG": "mục tiêu quốc gia",
    "UBMTTQVN": "ủy ban mặt trận tổ quốc Việt Nam",
    "NHCSXH": "ngân hàng chính sách xã hội",
    "TTYT": "trung tâm y tế",
    "TYT": "trạm y tế",
    "BVĐK": "bệnh viện đa khoa",
    "GPMB": "giải phóng mặt bằng",
    "BVMT": "bảo vệ môi trường",
    "ATVSTP": "an toàn vệ sinh thực phẩm",
    "TTATXH": "trật tự an toàn xã hội",
    "TTATGT": "trật tự an toàn giao thông",
    "XKLĐ": "xuất khẩu lao động",
    "KCN": "khu công nghiệp",
    "CCN": "cụm công nghiệp",
    "CLB": "câu lạc bộ",
    "BQL": "ban quản lý",
    "KTTT": "kinh tế tập thể",
    "SXKD": "sản xuất kinh doanh",
    "GTVT": "giao thông vận tải",
    "ĐBSCL": "đồng bằng sông Cửu Long",
    "ĐĐB": "đông đông bắc",
    "TTHCC": "trung tâm hành chính công",
    "PVHCC": "phục vụ hành chính công",
    "HCM": "Hồ Chí Minh",
    "VP": "văn phòng",
    "BVTV": "bảo vệ thực vật",
    "LMLM": "lở mồm long móng",
    "CHQS": "chỉ huy quân sự",
    "BĐBP": "bộ đội biên phòng",
    "CSVN": "cộng sản Việt Nam",
    "TAND": "tòa án nhân dân",
    "VKSND": "viện kiểm sát nhân dân",
    "THADS": "thi hành án dân sự",
    "TDTT": "thể dục thể thao",
    "VHVN": "văn hóa văn nghệ",
    "GDTX": "giáo dục thường xuyên",
    "GDMN": "giáo dục mầm non",
    "PGD&ĐT": "phòng giáo dục và đào tạo",
    "SGD&ĐT": "sở giáo dục và đào tạo",
    "PCCC&CNCH": "phòng cháy chữa cháy và cứu nạn cứu hộ",
    "KCB": "khám chữa bệnh",
    "ĐKKH": "đăng ký kết hôn",
    "GKS": "giấy khai sinh",
    "GPXD": "giấy phép xây dựng",
    "GCNQSDĐ": "giấy chứng nhận quyền sử dụng đất",
    "STT": "số thứ tự",
    "BKS": "biển kiểm soát",
}

# Products and borrowed words as Vietnamese mouths say them; any capitalisation.
FOREIGN: dict[str, str] = {
    "VNeID": "vi en i ai đi",
    "VssID": "vi ét ét ai đi",
    "VNPT Money": "vê nờ pê tê mân ni",
    "VNPT Pay": "vê nờ pê tê pay",
    "Viettel Money": "Viét teo mân ni",
    "Viettel": "Viét teo",
    "MobiFone": "mô bi phôn",
    "VinaPhone": "vi na phôn",
    "MoMo": "mô mô",
    "ZaloPay": "da lô pay",
    "Zalo": "da lô",
    "Facebook": "phây búc",
    "YouTube": "diu túp",
    "TikTok": "tích tóc",
    "Postmart": "pốt mát",
    "Voso": "vỏ sò",
    "Shopee": "sóp pi",
    "Lazada": "la da đa",
    "Internet": "in tơ nét",
    "Wi-Fi": "oai phai",
    "Wifi": "oai phai",
    "website": "oép sai",
    "web": "oép",
    "email": "i meo",
    "online": "on lai",
    "app": "áp",
    "smartphone": "điện thoại thông minh",
    "video": "vi đê ô",
    "livestream": "lai chim",
    "OTP": "ô tê pê",
    "QR": "quy a",
    "SMS": "ét em ét",
    "ATM": "a tê em",
    "SIM": "sim",
    "PIN": "pin",
    "COVID-19": "cô vít mười chín",
    "COVID": "cô vít",
    "iOS": "ai ô ét",
    "Android": "an đờ roi",
    "iPhone": "ai phôn",
    "Smart TV": "ti vi thông minh",
    "TV": "ti vi",
}

_DOCUMENTS = {
    "TB": "thông báo",
    "QĐ": "quyết định",
    "CV": "công văn",
    "KH": "kế hoạch",
    "NQ": "nghị quyết",
    "NĐ": "nghị định",
    "TT": "thông tư",
    "CT": "chỉ thị",
    "BC": "báo cáo",
    "HD": "hướng dẫn",
    "CĐ": "công điện",
    "TTr": "tờ trình",
    "GM": "giấy mời",
}
_ISSUERS = {
    "UBND": "ủy ban nhân dân",
    "HĐND": "hội đồng nhân dân",
    "CP": "chính phủ",
    "TTg": "thủ tướng chính phủ",
    "TW": "trung ương",
    "TU": "tỉnh ủy",
    "HU": "huyện ủy",
    "ĐU": "đảng ủy",
    "BCH": "ban chỉ huy",
    "BTTTT": "bộ thông tin và truyền thông",
    "BKHCN": "bộ khoa học và công nghệ",
    "BYT": "bộ y tế",
    "BCA": "bộ công an",
    "BTC": "bộ tài chính",
    "MTTQ": "mặt trận tổ quốc",
}
# Shortened words that carry a full stop; "TP.HCM" has no space after it.
_POINTED = {
    r"TP\.?\s?HCM": "thành phố Hồ Chí Minh",
    r"TP\.?(?=\s?[A-ZĐ])": "thành phố",
    r"TX\.(?=\s?[A-ZĐ])": "thị xã",
    r"TT\.(?=\s?[A-ZĐ])": "thị trấn",
    r"P\.(?=\s?[\dA-ZĐ])": "phường",
    r"Q\.(?=\s?[\dA-ZĐ])": "quận",
    r"H\.(?=\s?[A-ZĐ])": "huyện",
    r"X\.(?=\s?[A-ZĐ])": "xã",
    r"Đ/c": "đồng chí",
    r"đ/c": "đồng chí",
    r"KP\.?\s?(?=\d)": "khu phố",
    r"TDP\.?\s?(?=\d)": "tổ dân phố",
    # Names of the Ê Đê: H'Hen Niê.
    r"H['’](?=[A-ZĐÊ])": "Hờ",
    r"v\.v\.*": "vân vân",
}


_SAID_NEXT = re.compile(r",?(?:\s+ngày\s+[\d/.-]+(?:\s+tháng\s+\d+\s+năm\s+\d+)?)?,?\s+của\s")


def _alarm(match: re.Match[str]) -> str:
    """The rivers' alarm levels: BĐ3, BĐII."""
    level = match[1]
    return f"báo động {cardinal(int(level) if level.isdigit() else len(level))}"


def _law(match: re.Match[str]) -> str:
    """20/2023/QH15: the assembly's fifteenth term."""
    number, year, term = (cardinal(int(part)) for part in match.groups())
    return f"{number} năm {year}, quốc hội khóa {term}"


def _whole(word: str) -> str:
    return rf"(?<!\w){re.escape(word)}(?!\w)"


def _document(match: re.Match[str]) -> str:
    """ "Nghị định 49/2024/NĐ-CP" names its kind twice; it is said once."""
    said, number, year, kind, issuer = match.groups()
    year_words = f" năm {cardinal(int(year))}" if year else ""
    of = _of(match, issuer)
    if said and said.lower() == _DOCUMENTS[kind]:
        return f"{said} số {cardinal(int(number))}{year_words}{of}"
    before = f"{said} " if said else "số "
    return f"{before}{cardinal(int(number))}{year_words}, {_DOCUMENTS[kind]}{of}"


def _of(match: re.Match[str], issuer: str) -> str:
    """Who issued it, unless the text goes on to say so: "… ngày 17/4/2023 của Chính phủ"."""
    if _SAID_NEXT.match(match.string, match.end()):
        return ""
    return " của " + ", ".join(_ISSUERS.get(part, part) for part in issuer.split("-"))


def _party_document(match: re.Match[str]) -> str:
    said, number, kind, issuer = match.groups()
    name = said or _DOCUMENTS[kind]
    return f"{name} số {cardinal(int(number))}{_of(match, issuer)}"


def _host(match: re.Match[str]) -> str:
    words = {"vn": "vê en", "gov": "gốp", "com": "com", "org": "o rờ gờ", "edu": "e đu"}
    known = {"dichvucong": "dịch vụ công", "vneid": "vi en i ai đi", "postmart": "pốt mát"}
    name = match["name"].lower().removeprefix("www.")
    parts = [known.get(part, words.get(part, part)) for part in name.split(".")]
    at = f"{match['user']} a còng " if match["user"] else ""
    return at + " chấm ".join(parts)


def _rules() -> list[Rule]:
    said = "|".join(_DOCUMENTS.values())
    kinds, issuers = "|".join(_DOCUMENTS), "|".join(_ISSUERS)
    rules: list[Rule] = [
        (
            re.compile(
                r"(?:https?://)?(?:(?P<user>[\w.]+)@)?"
                r"(?P<name>(?:[a-z0-9-]+\.)+(?:vn|com|org|net|gov|edu))(?:/\S*)?(?<![.,])",
                re.IGNORECASE,
            ),
            _host,
        ),
        (
            re.compile(
                rf"(?:({said})\s+(?:số:?\s+)?|số:?\s+)?(?<![\d/])(\d+)(?:/(\d{{4}}))?/({kinds})"
                rf"-((?:{issuers})(?:-(?:{issuers}))?)",
                re.IGNORECASE,
            ),
            _document,
        ),
        (
            re.compile(
                rf"(?:({said})\s+(?:số:?\s+)?)?(?<![\d/])(\d+)-({kinds})/({issuers})(?!\w)",
                re.IGNORECASE,
            ),
            _party_document,
        ),
        (
            re.compile(rf"(?<!\w)({kinds})-({issuers})(?!\w)"),
            lambda match: f"{_DOCUMENTS[match[1]]} của {_ISSUERS[match[2]]}",
        ),
    ]
    rules += [
        (re.compile(r"(?<![\w/])(\d+)/(\d{4})/QH(\d+)(?!\w)"), _law),
        # Roads, before ĐT becomes a telephone.
        (re.compile(r"(?:quốc lộ\s+)?(?<!\w)QL\.?\s?(\d+)", re.IGNORECASE), r"quốc lộ \1 "),
        (re.compile(r"(?:tỉnh lộ\s+)?(?<!\w)TL\.?\s?(\d+)", re.IGNORECASE), r"tỉnh lộ \1 "),
        (re.compile(r"(?:đường\s+)?(?<!\w)ĐT\.?\s?(\d{3})(?!\d)"), r"đường tỉnh \1 "),
        (re.compile(r"(?:đường\s+)?(?<!\w)ĐH\.?\s?(\d{2,3})(?!\d)"), r"đường huyện \1 "),
        (re.compile(r"(?<!\w)BĐ\s?([1-3]|I{1,3})(?!\w)"), _alarm),
        (
            re.compile(
                r"(?<!\w)BCH(?=\s+(?:[Tt]rung ương|TW|TƯ|[Đđ]ảng|"
                r"[Đđ]oàn|[Hh]ội|[Cc]ông đoàn|[Cc]hi))"
            ),
            "ban chấp hành",
        ),
    ]
    rules += [(re.compile(rf"(?<!\w){shape}"), words + " ") for shape, words in _POINTED.items()]
    longest = sorted(FOREIGN.items(), key=lambda item: -len(item[0]))
    rules += [(re.compile(_whole(name), re.IGNORECASE), words) for name, words in longest]
    ordered = sorted(ABBREVIATIONS.items(), key=lambda item: -len(item[0]))
    rules += [(re.compile(_whole(name)), words) for name, words in ordered]
    return rules


NAMES: list[Rule] = _rules()
