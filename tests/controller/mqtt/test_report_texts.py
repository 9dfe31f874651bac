"""Reading a batch once: the same values as a JSON reader's, and each report's own text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.mqtt.report_texts import keepable, read
from protocol.errors import Malformed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
BODIES = st.dictionaries(st.sampled_from(["reports", "seq", "é", "to"]), VALUES, max_size=3)


@given(BODIES, st.sampled_from([None, 0, 2]), st.booleans())
def test_it_reads_what_a_json_reader_reads_and_cuts_out_each_item(body, indent, ascii_only):
    text = json.dumps(body, indent=indent, ensure_ascii=ascii_only)
    found, texts = read(text.encode(), "reports")
    assert found == body
    listed = body.get("reports")
    assert [json.loads(each) for each in texts] == (listed if isinstance(listed, list) else [])


def test_a_report_is_kept_as_it_came():
    _, texts = read(b'{"a":1,"reports":[{"seq": 1.50},{"seq":"\\u1ea1"} , 7],"z":[]}', "reports")
    assert texts == ['{"seq": 1.50}', '{"seq":"\\u1ea1"}', "7"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a" 1}',
        b"{1:1}",
        b'{"a":1,}',
        b'{"a":1}x',
        b'{"reports":[1',
        b'{"reports":[1 2]}',
        b'{"reports":[1,]}',
        b'{"reports":[,{',
        b"\xff{}",
        b'{"reports":' + b"[" * 100_000,
    ],
)
def test_what_is_no_object_is_malformed(body):
    with pytest.raises(Malformed):
        read(body, "reports")


@pytest.mark.parametrize("bad", [r"\u0000", r"\ud800", r"\\\uDFFF", r"\udc00\ud800"])
@pytest.mark.parametrize("whole", ['"detail":"X"', '"X":1', '"outcome":["X"]', '"airing_id":"X"'])
def test_half_a_character_in_a_report_costs_only_that_report(bad, whole):
    good = r'{"seq":1,"detail":"\ud83d\ude00 \\ud800"}'
    hurt = '{"seq":2,' + whole.replace("X", bad) + "}"
    raw = f'{{"reports":[{good},{hurt},{good}]}}'.encode()
    body, texts = read(raw, "reports")
    texts = keepable(raw, body, "reports", texts)
    mended = {"seq": 2, "kind": "unknown", "reason": "not_understood"}
    assert body["reports"] == [json.loads(good), mended, json.loads(good)]
    assert (texts[0], texts[2]) == (good, good)
    assert "\ufffd" in json.dumps(json.loads(texts[1]), ensure_ascii=False)


@pytest.mark.parametrize("bad", [r"\u0000", r"\udfff"])
@pytest.mark.parametrize("reports", ["[]", '[{"seq":1}]'])
def test_half_a_character_beside_the_reports_refuses_the_message(bad, reports):
    raw = f'{{"store_epoch":"{bad}","reports":{reports}}}'.encode()
    body, texts = read(raw, "reports")
    with pytest.raises(Malformed):
        keepable(raw, body, "reports", texts)
