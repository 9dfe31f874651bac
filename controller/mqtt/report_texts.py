"""A batch of reports read once: each report as values, and as the text it came in.

A report is kept exactly as it came. Writing its values out again costs more than reading them did,
so the text is cut out of the message.
"""

import json
import json.scanner
import re
from typing import Any, NoReturn

from protocol.errors import Malformed
from protocol.outcomes import Reason, ReportKind

# Typed as the class of its Python version, which takes any decoder.
_scan = json.scanner.make_scanner(json.JSONDecoder())  # type: ignore[arg-type]
_space = re.compile(r"[ \t\n\r]*").match


def read(body: bytes, name: str) -> tuple[dict[str, Any], list[str]]:
    """The JSON object in `body`, and the text of each item of its list `name` (none: no list).

    Raises Malformed.
    """
    try:
        text = body.decode()
        found, texts, at = _object(text, _after(text, 0), name)
    except (ValueError, StopIteration, IndexError, RecursionError) as error:
        raise Malformed("not a JSON object") from error
    if at != len(text):
        raise Malformed("more than a JSON object")
    return found, texts


# PostgreSQL keeps no NUL in text, and UTF-8 has no halves of a pair; no message of ours has one.
_suspect = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])").search
_escapes = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})").sub
_NO_TEXT = {"kind": ReportKind.UNKNOWN.value, "reason": Reason.NOT_UNDERSTOOD.value}


def keepable(raw: bytes, body: dict[str, Any], name: str, texts: list[str]) -> list[str]:
    """The texts of what `read` gave, as a database can keep them; `raw` is where they came from.

    An item of the list with a character nothing keeps becomes, in `body`, a report that is not
    understood, and costs the others nothing. Raises Malformed for one anywhere else.
    """
    if not _suspect(raw):
        return texts
    if not _kept({**body, name: None} if texts else body):
        raise Malformed("a text with a NUL or half a character")
    return [_item(body[name], number, text) for number, text in enumerate(texts)]


def _item(items: list[Any], number: int, text: str) -> str:
    item = items[number]
    if _kept(item):
        return text
    if isinstance(item, dict):
        known = {key: item[key] for key in ("seq", "airing_id") if key in item}
        items[number] = {k: value for k, value in known.items() if _kept(value)} | _NO_TEXT
    return _escapes(r"\\ufffd", text)


def _kept(value: Any) -> bool:
    try:
        return b"\\u0000" not in json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False


def _object(text: str, at: int, name: str) -> tuple[dict[str, Any], list[str], int]:
    found: dict[str, Any] = {}
    texts: list[str] = []
    at, more = _begun(text, at, "{", "}")
    while more:
        key, at = _scan(text, at)
        if not isinstance(key, str):
            _no("a name")
        at = _after(text, at)
        if text[at] != ":":
            _no("a colon")
        at = _after(text, at + 1)
        if key == name and text[at] == "[":
            found[key], texts, at = _list(text, at)
        else:
            found[key], at = _scan(text, at)
        at, more = _next(text, at, "}")
    return found, texts, at


def _list(text: str, at: int) -> tuple[list[Any], list[str], int]:
    items: list[Any] = []
    texts: list[str] = []
    at, more = _begun(text, at, "[", "]")
    while more:
        item, end = _scan(text, at)
        items.append(item)
        texts.append(text[at:end])
        if text.startswith(",{", end):  # as every writer but a tidy one puts it
            at = end + 1
        else:
            at, more = _next(text, end, "]")
    return items, texts, at


def _begun(text: str, at: int, opening: str, closing: str) -> tuple[int, bool]:
    """Where the first item is, or the end of an empty whole; whether there is an item."""
    if text[at] != opening:
        _no(opening)
    at = _after(text, at + 1)
    return (_after(text, at + 1), False) if text[at] == closing else (at, True)


def _next(text: str, at: int, closing: str) -> tuple[int, bool]:
    """Where the next item is, or the end of the whole; whether there is another."""
    at = _after(text, at)
    if text[at] == closing:
        return _after(text, at + 1), False
    if text[at] != ",":
        _no("a comma")
    return _after(text, at + 1), True


def _after(text: str, at: int) -> int:
    """Where the blanks from `at` on end."""
    blanks = _space(text, at)
    return blanks.end() if blanks else at


def _no(what: str) -> NoReturn:
    raise ValueError(f"no {what} where one belongs")
