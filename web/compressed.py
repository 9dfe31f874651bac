"""Pages cross a slow line compressed: a tenth of the bytes of what the templates write.

The built scripts and styles have their compressed twins already (`web.assets`). A page carries a
secret (the form's token) beside what a visitor typed, which compression could betray to who makes
a browser ask a thousand times; the session cookie is not sent with such requests (SameSite).
"""

import gzip

from flask import Flask, Response, request

_KINDS = {"text/html", "application/json", "application/problem+json"}
_LEAST_BYTES = 500  # below it the head costs more than is won


def install(app: Flask) -> None:
    """Compress what is worth it, for browsers that say they can read it."""
    app.after_request(_compressed)


def _compressed(answer: Response) -> Response:
    if answer.mimetype not in _KINDS or answer.is_streamed or answer.direct_passthrough:
        return answer
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if not request.accept_encodings["gzip"] or len(body) < _LEAST_BYTES:
        return answer
    if "Content-Encoding" not in answer.headers:
        answer.set_data(gzip.compress(body, 6, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer
