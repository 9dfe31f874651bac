"""Multipart forms whose file goes straight to a temporary file on the data disk.

The framework would spool it in memory and in the system's temporary folder, which on a small box
is memory too.
"""

import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, Final

from flask import Request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import UnprocessableEntity
from werkzeug.formparser import FormDataParser

_MAX_FIELD_BYTES: Final = 100_000
_MAX_PARTS: Final = 40
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file: where it waits, what it was called (a label only), and the form's fields."""

    path: Path
    filename: str
    fields: dict[str, Any]


@contextmanager
def received(request: Request, schema: Schema, folder: Path, max_bytes: int) -> Iterator[Upload]:
    """The form, checked; its file exists until the block ends.

    Raises RequestEntityTooLarge beyond `max_bytes` (the file) and UnprocessableEntity for fields
    that are missing or cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    opened: list[IO[bytes]] = []

    def into_folder(*_: Any, **__: Any) -> IO[bytes]:
        opened.append(tempfile.NamedTemporaryFile(dir=folder, prefix="upload-"))  # noqa: SIM115
        return opened[-1]

    parser = FormDataParser(
        stream_factory=into_folder,
        max_form_memory_size=_MAX_FIELD_BYTES,
        max_content_length=max_bytes + _MAX_FIELD_BYTES,
        max_form_parts=_MAX_PARTS,
    )
    try:
        _stream, form, files = parser.parse_from_environ(request.environ)
        values = _checked(schema, form.to_dict(), has_file="file" in files)
        file = files["file"]
        file.stream.flush()
        yield Upload(Path(str(file.stream.name)), label(file.filename or ""), values)
    finally:
        for each in opened:
            each.close()


def label(filename: str) -> str:
    """A name to show: no folders, no control characters, composed letters, of bounded length."""
    last = PureWindowsPath(PurePosixPath(filename).name).name
    plain = "".join(
        character
        for character in unicodedata.normalize("NFC", last)
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    plain = re.sub(r"\s+", " ", plain).strip()
    return plain[-_LONGEST_NAME:]


def _checked(schema: Schema, form: dict[str, str], *, has_file: bool) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    values: Any = {}
    try:
        values = schema.load(form)
    except ValidationError as refusal:
        errors = dict(refusal.messages_dict)
    if not has_file:
        pair = ("Hãy chọn tệp âm thanh (mục file).", "Choose a recording (the part 'file').")
        errors["file"] = [pair]
    if errors:
        refusal_answer = UnprocessableEntity()
        # Where webargs notes its findings too, so that one place words them all.
        setattr(refusal_answer, "data", {"messages": {"form": errors}})  # noqa: B010
        raise refusal_answer
    return dict(values)
