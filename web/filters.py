"""How times, lengths and sizes are written: in the area's zone, dd/MM/yyyy, 24 hours."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from flask import Flask, g

from controller import database
from controller.api.here import services
from controller.calendar.lunar import lunar_date
from controller.calendar.wall import to_utc, zone
from controller.errors import BadInput
from controller.territory import areas
from web.i18n import _, language, ngettext
from web.sessions import signed_in

_YEARS = range(2000, 2100)
# In Vietnamese a point groups thousands and a comma begins the fraction.
_VIETNAMESE = str.maketrans(",.", ".,")


def install(app: Flask) -> None:
    """Give templates these filters."""
    app.jinja_env.filters.update(
        wall=wall,
        wave=wave,
        lunar=lunar,
        lunar_text=lunar_text,
        day_lunar=day_lunar,
        clock=clock,
        clock_s=clock_s,
        clock_ms=clock_ms,
        path_time=path_time,
        day=day,
        day_text=day_text,
        short_day=short_day,
        weekday=weekday,
        in_line=in_line,
        ago=ago,
        length_ms=length,
        megabytes=megabytes,
        number=number,
        part_of_day=part_of_day,
        iso=lambda at: at.isoformat(),
    )
    app.jinja_env.globals["weekday_name"] = weekday_name


def here_zone() -> ZoneInfo:
    """The zone of the visitor's area, looked up once a request."""
    if "zone" not in g:
        actor = signed_in()
        name = areas.DEFAULT_TIMEZONE
        if actor is not None and actor.area_id is not None:
            with database.reading(services().engine) as session:
                name = areas.effective(session, actor.area_id).timezone
        g.zone = zone(name)
    return cast(ZoneInfo, g.zone)


def calendar_day(text: str) -> date | None:
    """The day an address or a form names; None for no date, or one nobody can mean."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def midnight(text: str, days: int = 0) -> datetime | None:
    """The instant a local day begins, `days` later; None for what is no date."""
    day = calendar_day(text)
    if day is None:
        return None
    return to_utc(datetime.combine(day + timedelta(days=days), time()), here_zone())


def local(at: datetime) -> datetime:
    """The instant on the wall clock of the visitor's area (aware)."""
    return at.astimezone(here_zone())


def clock(at: datetime) -> str:
    """17:05"""
    return f"{local(at):%H:%M}"


def wall(at: datetime) -> str:
    """2026-11-22T17:05, for a form."""
    return f"{local(at):%Y-%m-%dT%H:%M}"


def clock_s(at: datetime) -> str:
    """17:05:02, to the nearest second: a start at 17:05:01.999 was on time."""
    return f"{local(at + timedelta(milliseconds=500)):%H:%M:%S}"


def clock_ms(at: datetime) -> str:
    """17:05:01,998 in Vietnamese, 17:05:01.998 in English."""
    point = "." if language() == "en" else ","
    return f"{local(at):%H:%M:%S}{point}{at.microsecond // 1000:03}"


def path_time(at: datetime | None, planned_at: datetime) -> str:
    """17:05:01,998, with the day where it is another than the planned one; a dash for none."""
    if at is None:
        return "—"
    same = local(at).date() == local(planned_at).date()
    return clock_ms(at) if same else f"{clock_ms(at)} {short_day(at)}"


def day(at: datetime) -> str:
    """22/11/2026"""
    return f"{local(at):%d/%m/%Y}"


def day_text(text: str) -> str:
    """22/11/2026 for 2026-11-22; anything else as it is."""
    try:
        return f"{date.fromisoformat(text):%d/%m/%Y}"
    except ValueError:
        return text


def short_day(at: datetime) -> str:
    """22/11"""
    return f"{local(at):%d/%m}"


def weekday(at: datetime) -> str:
    """Thứ 2 … Chủ nhật, for an instant."""
    return weekday_name(local(at).isoweekday())


def weekday_name(number: int) -> str:
    """The name of an ISO weekday, 1 Monday … 7 Sunday."""
    return (
        _("Thứ 2"),
        _("Thứ 3"),
        _("Thứ 4"),
        _("Thứ 5"),
        _("Thứ 6"),
        _("Thứ 7"),
        _("Chủ nhật"),
    )[number - 1]


def in_line(name: str) -> str:
    """A weekday within a sentence: thứ 2, but Monday."""
    return name if language() == "en" else name.lower()


def lunar(at: datetime) -> str:
    """14/10 âm lịch, for an instant; empty far beyond the lunar table."""
    return lunar_text(f"{local(at):%Y-%m-%d}")


def lunar_text(text: str) -> str:
    """The same for 2026-11-22 (a time after it is left out); empty for what is no date."""
    try:
        return lunar_day(date.fromisoformat(text[:10]))
    except (ValueError, OverflowError, BadInput):
        return ""


def day_lunar(at: datetime) -> str:
    """22/11/2026 (14/10 âm lịch)"""
    by_moon = lunar(at)
    return f"{day(at)} ({by_moon})" if by_moon else day(at)


def lunar_day(day: date) -> str:
    """14/10 âm lịch; the 1st and the 15th by their names. Raises ValueError far from today."""
    found = lunar_date(day)
    month = _("%(month)s nhuận", month=found.month) if found.leap else str(found.month)
    if found.day == 1:
        return _("mùng một tháng %(month)s âm lịch", month=month)
    if found.day == 15:
        return _("rằm tháng %(month)s âm lịch", month=month)
    return _("%(day)s/%(month)s âm lịch", day=found.day, month=month)


def part_of_day(at: datetime) -> str:
    """sáng, trưa, chiều, tối: said beside the time, since phones may show AM and PM."""
    return session_name(local(at).hour)


def session_name(hour: int) -> str:
    """The part of the day an hour lies in."""
    if 4 <= hour < 10:
        return _("sáng")
    if 10 <= hour < 14:
        return _("trưa")
    if 14 <= hour < 18:
        return _("chiều")
    return _("tối") if 18 <= hour < 23 else _("đêm")


def ago(at: datetime) -> str:
    """vừa xong, 5 phút trước, 3 giờ trước, 12 ngày trước."""
    minutes = int((services().clock() - at) / timedelta(minutes=1))
    if minutes < 2:
        return _("vừa xong")
    if minutes < 120:
        return ngettext("%(num)d phút trước", "%(num)d phút trước", minutes)
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(num)d giờ trước", "%(num)d giờ trước", hours)
    return ngettext("%(num)d ngày trước", "%(num)d ngày trước", hours // 24)


def length(ms: float | None) -> str:
    """1:45, or 1:02:05 from an hour on."""
    seconds = round((ms or 0) / 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def about(seconds: float) -> str:
    """2 phút 5 giây; 13 giây; 3 phút; 1 giờ 2 phút."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    parts = [
        _("%(n)s giờ", n=hours) if hours else "",
        _("%(n)s phút", n=left) if left else "",
        _("%(n)s giây", n=rest) if (rest and not hours) or not whole else "",
    ]
    return " ".join(part for part in parts if part)


def wave(peaks: Sequence[int]) -> str:
    """The path of a waveform, levels 0-100, in a box one wide per level and 100 high."""
    heights = ((i, max(1, round(min(peak, 100) * 0.48))) for i, peak in enumerate(peaks))
    return "".join(f"M{i}.5 {50 - high}v{2 * high}" for i, high in heights)


def number(value: float, places: int = 0) -> str:
    """12.345,6 in Vietnamese, 12,345.6 in English."""
    text = f"{value:,.{places}f}"
    return text if language() == "en" else text.translate(_VIETNAMESE)


def megabytes(count: int) -> str:
    """1,4 MB in Vietnamese, 1.4 MB in English; from a gigabyte on, 9,3 GB."""
    if count >= 1_000_000_000:
        return f"{number(count / 1e9, 1)} GB"
    return f"{number(count / 1e6, 1)} MB"
