"""A second factor with a call: where two people must agree, a token alone is nobody.

A token lies in a file and is used by whoever reads it. So where the rules want two people for an
emergency, its owner's code must come along if the owner has a second factor, and an owner who must
have one and has none is sent to the pages. Elsewhere a token acts by itself, as sensors need it to.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Any, Final, cast

from flask import current_app

from controller.accounts import second_factor
from controller.api.here import changing
from controller.errors import BadInput, ControllerError, NotAllowed
from controller.models import User

_WRONG_MOST: Final = 5
_WRONG_WITHIN: Final = timedelta(minutes=10)
_WRONG: Final = "loalang_wrong_codes"


class TooManyTries(ControllerError):
    """Codes were guessed; the pages are not shut by that."""

    status = 429

    def __init__(self) -> None:
        super().__init__(
            "too_many_tries",
            "Đã nhập sai mã nhiều lần: hãy đợi 10 phút, hoặc xác nhận trên trang web.",
            "Too many wrong codes: wait ten minutes, or confirm on the pages.",
        )


def prove(code: str | None) -> None:
    """Raises BadInput, NotAllowed or TooManyTries unless the token's owner is shown to be there.

    The code is used up even when what follows is refused.
    """
    with changing() as here:
        user = here.session.get(User, here.actor.user_id or "")
        if user is None:
            return
        state = second_factor.state(here.session, user)
        if not state.on and not state.wanted:
            return
        if not state.on:
            raise NotAllowed(
                "factor_wanted",
                "Quy định cần xác thực hai bước: hãy bật trên trang web rồi gửi kèm mã.",
                "The rules want a second factor: turn it on in the pages, then send its code.",
            )
        if not code:
            raise _code_wanted()
        wrong = _wrong_of(user.id, here.now)
        if len(wrong) >= _WRONG_MOST:
            raise TooManyTries
        box = here.services.settings.factor_box
        right = second_factor.check(here.session, box, user.id, code, here.now)
        if not right:
            wrong.append(here.now)
            raise second_factor.wrong_code()


def _wrong_of(user_id: str, now: datetime) -> deque[datetime]:
    """When this user's code was wrong lately; in memory, for one process serves the API."""
    kept: dict[str, deque[datetime]] = cast(
        dict[str, Any], current_app.extensions.setdefault(_WRONG, {})
    )
    wrong = kept.setdefault(user_id, deque(maxlen=_WRONG_MOST))
    while wrong and now - wrong[0] > _WRONG_WITHIN:
        wrong.popleft()
    return wrong


def _code_wanted() -> BadInput:
    return BadInput(
        {
            "code": (
                "Nơi này cần hai người: hãy gửi kèm mã xác thực của chủ mã truy cập.",
                "Two people must agree here: send the code of the token's owner along.",
            )
        }
    )
