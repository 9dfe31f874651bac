"""What an official enters for a schedule, checked field by field and turned into a `Subject`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, require
from controller.calendar.days import DaySet, Holiday
from controller.calendar.wall import as_local, to_utc, zone
from controller.errors import BadInput
from controller.library import clips
from controller.models import Tune
from controller.planning.due import resolved
from controller.planning.outros import OutroKind
from controller.planning.programmes import DEFAULT_TUNE, load
from controller.scheduling.drafts import Subject, topmost
from controller.territory.places import Tree
from protocol.outcomes import AiringClass

_MOST_ITEMS, _MOST_TIMES, _LONGEST_GAP_S, _LONGEST_LATE_S = 50, 20, 600, 12 * 3600
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ItemInput:
    """One clip of a programme: `times` times, `gap_s` seconds of silence after each."""

    clip_id: str
    times: int = 1
    gap_s: float = 0


@dataclass(frozen=True, slots=True)
class ScheduleInput:
    """`starts_at` is aware, or local text without offset in the areas' zone; the rest as in the
    API. `tune` is a tune's name or "default" (the area's for the class); None: none. `outro`:
    contact or next_visit; None: none."""

    title: str
    items: list[ItemInput]
    area_ids: list[str]
    starts_at: datetime | str
    class_: AiringClass = AiringClass.NORMAL
    recurrence: dict[str, Any] | None = None
    seasons: list[dict[str, Any]] | None = None
    day_set: str | None = None
    until: datetime | str | None = None
    exceptions: dict[str, Any] | None = None
    late_s: int = 120
    tune: str | None = None
    outro: str | None = None


def rule_json(data: ScheduleInput) -> dict[str, Any]:
    """What is kept of the recurrence: the API's own words."""
    until = data.until.isoformat() if isinstance(data.until, datetime) else data.until
    rule = {
        "recurrence": data.recurrence,
        "seasons": data.seasons,
        "day_set": data.day_set,
        "until": until,
        "exceptions": data.exceptions,
    }
    return {key: value for key, value in rule.items() if value}


def subject_of(
    session: Session, actor: Actor, data: ScheduleInput, now: datetime, tree: Tree
) -> Subject:
    """The schedule to judge. Raises BadInput, NotFound, NotAllowed."""
    _check_fields(data)
    area_ids = _areas(session, actor, data.area_ids, tree)
    timezone = _agreed("timezone", [tree.effective(a).timezone for a in area_ids])
    for item in data.items:
        clips.get(session, actor, item.clip_id)
    tune = _tune(session, data, area_ids, tree)
    _agree_on_days(data, area_ids, tree)
    starts_local = _in_ms(as_local(data.starts_at, zone(timezone), "starts_at"))
    rule = resolved(rule_json(data), timezone, area_ids, tree)
    once = rule.rrule is None and rule.lunar is None and rule.day_set is None and not rule.rdates
    if once and to_utc(starts_local, zone(timezone)) <= now:
        raise _bad(
            "starts_at",
            f"Giờ phát {starts_local:%H:%M %d/%m/%Y} đã qua: hãy chọn giờ sau bây giờ.",
            f"The start {starts_local:%H:%M %d/%m/%Y} has passed: choose a time in the future.",
        )
    return Subject(
        rule=rule,
        timezone=timezone,
        starts_local=starts_local,
        loaded=load(session, tune, data.items, data.outro),
        area_ids=area_ids,
        class_=data.class_,
        late_s=data.late_s,
    )


def _tune(session: Session, data: ScheduleInput, area_ids: Sequence[str], tree: Tree) -> str | None:
    """The tune's own name."""
    name = data.tune
    if name == DEFAULT_TUNE:
        kept = [tree.effective(each).policy.tunes.get(data.class_) for each in area_ids]
        return _agreed("tune", kept)
    if name is not None and session.get(Tune, name) is None:
        raise _bad("tune", "Không có nhạc hiệu này: hãy chọn lại.", "There is no such tune.")
    return name


def _in_ms(local: datetime) -> datetime:
    return local.replace(microsecond=local.microsecond // 1000 * 1000)


def _check_fields(data: ScheduleInput) -> None:
    if not data.title.strip():
        raise _bad("title", "Hãy ghi tên lịch phát.", "Give the schedule a title.")
    if not 1 <= len(data.items) <= _MOST_ITEMS:
        raise _bad(
            "items",
            f"Hãy chọn từ 1 đến {_MOST_ITEMS} tệp âm thanh.",
            f"Choose from 1 to {_MOST_ITEMS} clips.",
        )
    for item in data.items:
        if not 1 <= item.times <= _MOST_TIMES or not 0 <= item.gap_s <= _LONGEST_GAP_S:
            raise _bad(
                "items",
                f"Lặp từ 1 đến {_MOST_TIMES} lần, nghỉ giữa từ 0 đến {_LONGEST_GAP_S} giây.",
                f"Play from 1 to {_MOST_TIMES} times, with gaps of 0 to {_LONGEST_GAP_S} seconds.",
            )
    if data.outro is not None and data.outro not in set(OutroKind):
        raise _bad(
            "outro",
            "Lời kết là «contact» (liên hệ) hoặc «next_visit» (buổi hướng dẫn tới).",
            "An outro is 'contact' or 'next_visit'.",
        )
    if not 0 <= data.late_s <= _LONGEST_LATE_S:
        raise _bad(
            "late_s",
            f"Giới hạn phát muộn phải từ 0 đến {_LONGEST_LATE_S} giây.",
            f"The lateness limit must be from 0 to {_LONGEST_LATE_S} seconds.",
        )


def _areas(session: Session, actor: Actor, area_ids: Sequence[str], tree: Tree) -> tuple[str, ...]:
    if not area_ids:
        raise _bad("area_ids", "Hãy chọn nơi phát.", "Choose where it is to air.")
    for area_id in area_ids:
        require(session, actor, Action.SCHEDULE, area_id)
        if area_id not in tree.areas or tree.areas[area_id].closed_at is not None:
            raise _bad(
                "area_ids",
                "Có địa bàn không còn dùng: hãy chọn lại nơi phát.",
                "One of the areas is closed or unknown: choose again.",
            )
    return topmost(area_ids, tree)


def _agree_on_days(data: ScheduleInput, area_ids: Sequence[str], tree: Tree) -> None:
    """Airings are dated once for all areas, so the areas must keep the same days."""

    exceptions = data.exceptions or {}

    def day_set(area_id: str) -> DaySet | None:
        return tree.effective(area_id).policy.day_sets.get(data.day_set or "")

    def not_on(area_id: str) -> DaySet | None:
        return tree.effective(area_id).policy.day_sets.get(str(exceptions.get("not_on")))

    def holidays(area_id: str) -> tuple[Holiday, ...]:
        return tree.effective(area_id).policy.holidays

    keeps: list[tuple[str, Callable[[str], object]]] = []
    if data.day_set:
        keeps.append(("day_set", day_set))
    if exceptions.get("not_on"):
        keeps.append(("day_set", not_on))
    if exceptions.get("on_holidays", "play") != "play":
        keeps.append(("exceptions", holidays))
    for field, kept in keeps:
        _agreed(field, [kept(area_id) for area_id in area_ids])


def _agreed(field: str, values: Sequence[_T]) -> _T:
    if any(value != values[0] for value in values):
        what = {
            "timezone": ("múi giờ", "time zones"),
            "day_set": ("nhóm ngày", "sets of days"),
            "exceptions": ("ngày lễ", "holidays"),
            "tune": ("nhạc hiệu", "tunes"),
        }[field]
        raise _bad(
            "area_ids",
            f"Các nơi đã chọn có {what[0]} khác nhau: hãy lập lịch riêng cho từng nơi.",
            f"The chosen areas have different {what[1]}: make a schedule for each.",
        )
    return values[0]


def _bad(field: str, vi: str, en: str) -> BadInput:
    return BadInput({field: (vi, en)})
