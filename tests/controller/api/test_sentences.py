"""Each sentence exists in both languages and says what to do."""

import marshmallow as ma
import pytest
from marshmallow import fields, validate

from controller.api.sentences import field_sentence, sentence_of_status, title_of

USUAL = (
    "Giá trị này không dùng được: hãy sửa lại.",
    "This value cannot be used: mend it.",
)
WRONG = [
    (fields.String(required=True), ma.missing),
    (fields.String(), None),
    (fields.String(), 3),
    (fields.Integer(), "x"),
    (fields.Float(), "x"),
    (fields.Float(), float("nan")),
    (fields.Boolean(), "maybe"),
    (fields.List(fields.String()), 3),
    (fields.Dict(), 3),
    (fields.Integer(validate=validate.Range(1, 6)), 7),
    (fields.String(validate=validate.OneOf(["a", "b"])), "c"),
    (fields.List(fields.String(), validate=validate.Length(1, 2)), []),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_the_library_says_is_said_in_vietnamese_too(field, value):
    with pytest.raises(ma.ValidationError) as refusal:
        field.deserialize(value)
    vi, en = field_sentence(refusal.value.messages[0])
    assert (vi, en) != USUAL
    assert vi != en


def test_what_nobody_foresaw_still_gets_a_sentence():
    assert field_sentence("Gibberish.") == USUAL


@pytest.mark.parametrize(
    "status", [400, 401, 404, 405, 409, 413, 415, 416, 418, 422, 429, 500, 503]
)
def test_every_status_has_a_title_and_a_sentence(status):
    assert title_of(status, english=True)
    assert title_of(status, english=False)
    assert all(sentence.endswith(".") for sentence in sentence_of_status(status))
