"""Pages cross the line compressed, for who can read it; what is short or streamed as it is."""

import gzip


def test_a_page_is_a_fraction_of_its_size(visit):
    plain = visit("bob").get("/week/")
    small = visit("bob").get("/week/", headers={"Accept-Encoding": "gzip, deflate"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert len(small.data) < len(plain.data) / 4
    assert "Lịch phát tuần" in gzip.decompress(small.data).decode()


def test_who_cannot_read_it_gets_it_plain(visit):
    for accepted in ("", "identity", "gzip;q=0"):
        answer = visit("bob").get("/week/", headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in answer.headers


def test_a_sentence_and_a_recording_stay_as_they_are(visit, village):
    asked = {"Accept-Encoding": "gzip"}
    short = visit("bob").get("/broadcasts/day?date=2026-11-23&time=17:05", headers=asked)
    assert "Content-Encoding" not in short.headers
    with visit("bob").get(f"/clips/{village.clips[5]}/sound", headers=asked) as sound:
        assert "Content-Encoding" not in sound.headers
