"""`Idempotency-Key` on POST: the same request sent twice is done once.

A phone on 3G sends again what it heard no answer to. The first request claims the key by making a
file; its answer is kept in it for a day and given again. A claim without an answer means that the
first is still under way, or that the process died in it: then nobody can know, and the caller is
told to look before trying with a new key.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

from flask import Response, g, request

from controller.api.here import services
from controller.api.problems import problem

HEADER: Final = "Idempotency-Key"
KEPT_S: Final = 24 * 3600
_LONGEST: Final = 200


def only(run: Callable[..., Response]) -> Callable[..., Response]:
    """The view, done at most once per user and key."""

    @wraps(run)
    def guarded(*inputs: Any, **address: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not key:
            return run(*inputs, **address)
        if len(key) > _LONGEST:
            return _too_long()
        place = _place(key)
        if not _claim(place):
            return _again(place)
        return _first(place, lambda: run(*inputs, **address))

    return guarded


def _first(place: Path, run: Callable[[], Response]) -> Response:
    done = False
    try:
        answer = run()
        done = answer.status_code < 300 and not answer.is_streamed
    finally:
        # What was refused or failed has changed nothing: the key is free again.
        if not done:
            place.unlink(missing_ok=True)
    if done:
        # Should this fail, the claim stays, and a second try is told to look first.
        _keep(place, answer)
    return answer


def _again(place: Path) -> Response:
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
    except ValueError:
        return problem(
            409,
            "request_under_way",
            "Yêu cầu này đang được xử lý hoặc đã bị ngắt giữa chừng: hãy xem danh sách trước khi "
            "gửi lại với khoá mới.",
            "This request is under way or was cut off: look at the list before you send it again "
            "with a new key.",
        )
    if kept["request"] != _fingerprint():
        return problem(
            422,
            "key_used",
            "Khoá Idempotency-Key này đã dùng cho yêu cầu khác: hãy dùng khoá mới.",
            "This Idempotency-Key was used for another request: use a new one.",
        )
    answer = Response(kept["body"], kept["status"], content_type=kept["content_type"])
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _place(key: str) -> Path:
    folder = services().settings.data_dir / "answers"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder)
    owner = f"{g.actor.user_id}\0{key}".encode("utf-8", "surrogatepass")
    return folder / hashlib.sha256(owner).hexdigest()


def _claim(place: Path) -> bool:
    try:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True


def _keep(place: Path, answer: Response) -> None:
    kept = {
        "request": _fingerprint(),
        "status": answer.status_code,
        "content_type": answer.content_type,
        "body": answer.get_data(as_text=True),
    }
    part = place.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(kept), encoding="utf-8")
    part.replace(place)


def _fingerprint() -> str:
    """Tells one request from another; a recording's bytes are not read again for it."""
    is_small = request.is_json
    body = hashlib.sha256(request.get_data()).hexdigest() if is_small else request.content_length
    return f"{request.method} {request.full_path} {body}"


def _sweep(folder: Path) -> None:
    oldest = time.time() - KEPT_S
    for entry in os.scandir(folder):
        if entry.stat().st_mtime < oldest:
            Path(entry.path).unlink(missing_ok=True)


def _too_long() -> Response:
    return problem(
        422,
        "key_too_long",
        f"Idempotency-Key dài quá {_LONGEST} ký tự: hãy dùng khoá ngắn hơn.",
        f"The Idempotency-Key is longer than {_LONGEST} characters: use a shorter one.",
    )
