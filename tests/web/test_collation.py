"""Names in the order a Vietnamese dictionary has them."""

import random

from web.collation import key

ORDERED = [
    "Thôn 2",
    "Thôn 10",
    "Thôn An",
    "Thôn Ăn",
    "Thôn Ấp",
    "Thôn Bãi Sậy",
    "Thôn Dương",
    "Thôn Đoài",
    "Thôn Đông",
    "Thôn Đồng Mít",
    "Thôn Hạ",
    "Thôn La",
    "Thôn Là",
    "Thôn Lả",
    "Thôn Lã",
    "Thôn Lá",
    "Thôn Lạ",
    "Thôn Thượng",
    "Thôn Trung",
]


def test_letters_come_before_tones():
    mixed = list(ORDERED)
    random.Random(1).shuffle(mixed)
    assert sorted(mixed, key=key) == ORDERED


def test_writing_the_same_letter_otherwise_changes_nothing():
    assert key("Đồng") == key("Đồng")
