"""How lengths are written in a sentence."""

import pytest

from web.filters import about


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (13, "13 giây", "13 s"),
        (125.4, "2 phút 5 giây", "2 min 5 s"),
        (180, "3 phút", "3 min"),
        (3725, "1 giờ 2 phút", "1 h 2 min"),
        (0, "0 giây", "0 s"),
    ],
)
def test_a_length_leaves_out_what_is_nothing(app, seconds, vi, en):
    for language, words in (("vi", vi), ("en", en)):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert about(seconds) == words
