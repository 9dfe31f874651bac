"""Uploads go to the data disk, whatever they are called and however they come."""

import io

import pytest
from flask import Request
from marshmallow import Schema, fields
from werkzeug.exceptions import RequestEntityTooLarge, UnprocessableEntity
from werkzeug.test import EnvironBuilder

from controller.api.multipart import label, received


class Form(Schema):
    title = fields.String(required=True)


def request(**form):
    return Request(EnvironBuilder(method="POST", data=form).get_environ())


def test_the_file_waits_on_the_data_disk_and_then_is_gone(tmp_path):
    asked = request(title="A", file=(io.BytesIO(b"sound"), "a.wav"))
    with received(asked, Form(), tmp_path, 1000) as upload:
        assert upload.path.parent == tmp_path
        assert upload.path.read_bytes() == b"sound"
        assert (upload.filename, upload.fields) == ("a.wav", {"title": "A"})
    assert list(tmp_path.iterdir()) == []


def test_missing_parts_are_refused_together(tmp_path):
    with pytest.raises(UnprocessableEntity) as refusal, received(request(), Form(), tmp_path, 9):
        raise AssertionError("not reached")
    assert set(vars(refusal.value)["data"]["messages"]["form"]) == {"title", "file"}


def test_a_stream_of_unknown_length_is_cut_off(tmp_path):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    builder = EnvironBuilder(
        method="POST",
        input_stream=io.BytesIO(head + b"x" * 500_000),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True},
    )
    environ = builder.get_environ()
    del environ["CONTENT_LENGTH"]
    asked = Request(environ)
    with pytest.raises(RequestEntityTooLarge), received(asked, Form(), tmp_path, 1000):
        raise AssertionError("not reached")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Bản tin.mp3", "Bản tin.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Hoa\\tin.mp3", "tin.mp3"),
        ("a\x00b\n\u202ec.mp3", "abc.mp3"),
        ("Ba\u0309n.mp3", "Bản.mp3"),
        ("", ""),
        ("x" * 500 + ".mp3", "x" * 116 + ".mp3"),
    ],
)
def test_a_name_is_only_a_label(sent, shown):
    assert label(sent) == shown
