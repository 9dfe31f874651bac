"""Coverage: every place by the six content areas, computed from the log."""

import re


def test_a_place_has_its_six_squares_and_their_sum(visit):
    page = visit("vera").get("/reports/").text
    row = re.search(r'<th scope="row">Thôn Hạ</th>.*?</tr>', page, re.DOTALL)[0]
    assert row.count("<td") == 9  # with their sum, who asked and who installed
    assert "chưa phát" in row


def test_a_place_where_it_failed_says_none_of_how_many(visit):
    page = visit("vera").get("/reports/").text
    row = re.search(r'<th scope="row">Thôn Bãi Sậy</th>.*?</tr>', page, re.DOTALL)[0]
    assert "0 trong 1" in row


def test_nothing_was_heard_where_there_is_no_microphone(visit):
    page = visit("vera").get("/reports/").text
    heard = re.search(r'figure">([^<]+)</strong>\s*lượt micrô', page)[1]
    assert heard == "—"


def test_an_outsider_counts_nothing_of_it(visit, village):
    assert "Thôn Hạ" not in visit("charlie").get("/reports/").text
    assert visit("charlie").get(f"/reports/?area={village.areas['Hạ']}").status_code == 404
