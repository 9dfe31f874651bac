"""What to do about a conflict: the nearest free start, or the sentence that there is none."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from controller.calendar.policy import Span
from controller.planning.due import Due
from controller.planning.free_slots import FreeSlots

_MOST_SUGGESTIONS = 50  # airings: each is a search; a list of more is not read
_MOST_IN_VAIN = 3  # a search that finds nothing looks at every quarter of an hour of a fortnight
_NO_SLOT = (
    "Trong một tuần trước và sau không có giờ trống nào hợp quy định: hãy rút ngắn chương trình, "
    "bỏ lượt này hoặc chọn nơi khác.",
    "No free start within a week before or after keeps the rules: shorten the programme, leave "
    "this airing out, or choose other places.",
)
_NOT_LOOKED = (
    "Chưa tìm giờ trống cho lượt này: hãy sửa các lượt nêu trước rồi xem lại.",
    "No free start was looked for here: mend the airings named before, then look again.",
)


def rfc3339(instant: datetime) -> str:
    """An instant as text, in UTC with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Advice:
    """Adds to a conflict the nearest free start, or the sentence that there is none."""

    def __init__(self, due: Sequence[Due], slots: Callable[[Iterable[Span]], FreeSlots]) -> None:
        """`slots`: the search, given the schedule's own airings; made when it is needed."""
        self._due = due
        self._make = slots
        self._found: dict[str, datetime | None] = {}

    @cached_property
    def _spans(self) -> dict[str, Span]:
        return {rfc3339(each.starts_at): Span(each.starts_at, each.ends_at) for each in self._due}

    @cached_property
    def _slots(self) -> FreeSlots:
        return self._make(self._spans.values())

    def on(self, conflict: dict[str, Any]) -> dict[str, Any]:
        if "effect" in conflict:  # who gives way was said; nothing has to be moved
            return conflict
        at = conflict["airing"]
        if at not in self._found:
            in_vain = sum(found is None for found in self._found.values())
            if len(self._found) >= _MOST_SUGGESTIONS or in_vain >= _MOST_IN_VAIN:
                return _with(conflict, _NOT_LOOKED)
            self._found[at] = self._slots.nearest(self._spans[at])
        found = self._found[at]
        if found is not None:
            return {**conflict, "suggestion": rfc3339(found)}
        return _with(conflict, _NO_SLOT)


def _with(conflict: dict[str, Any], more: tuple[str, str]) -> dict[str, Any]:
    vi, en = more
    return {**conflict, "vi": f"{conflict['vi']} {vi}", "en": f"{conflict['en']} {en}"}
