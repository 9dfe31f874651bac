"""The tunes this library can make, with the names people see. No heavy import: pages list them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TuneName:
    """What a tune is called and what it is for: "signature", "outro" or "alert"."""

    vi: str
    en: str
    use: str


TUNES: dict[str, TuneName] = {
    "lang_que": TuneName("Làng quê", "Village morning", "signature"),
    "dan_bau": TuneName("Tiếng đàn bầu", "Monochord", "signature"),
    "binh_minh": TuneName("Bình minh", "Daybreak", "signature"),
    "cong_nghe_so": TuneName("Công nghệ số", "Digital", "signature"),
    "chuong_ba_tieng": TuneName("Chuông ba tiếng", "Three bells", "signature"),
    "ket_thuc": TuneName("Nhạc kết", "Closing", "outro"),
    "bao_dong": TuneName("Báo động khẩn cấp", "Emergency alert", "alert"),
    "chu_y": TuneName("Chú ý", "Attention", "alert"),
    "dien_tap": TuneName("Tín hiệu diễn tập", "Drill signal", "alert"),
    "bao_an": TuneName("Tín hiệu báo an", "All-clear signal", "alert"),
}
