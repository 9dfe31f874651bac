"""What a technician on site asks for: the settings in force, and what is wrong, with no network."""

import sqlite3
import sys
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from device.clock import Clock
from device.durable import TwoCopies
from device.settings import SECRETS, Settings
from protocol.keys import SigningKey


def check_config(settings: Settings) -> int:
    """Print every setting as it is in force, secrets masked."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        shown = _masked(field.name, value)
        print(f"{field.name} = {shown}")
    if settings.clock == "trusted":
        print(
            "CẢNH BÁO: đồng hồ hệ thống được tin tuyệt đối (clock = trusted); chỉ dùng để thử.\n"
            "WARNING: the system's clock is believed blindly (clock = trusted); for tests only.",
            file=sys.stderr,
        )
    return 0


def _masked(name: str, value: object) -> str:
    if name in SECRETS and value:
        return "********"
    if name == "broker_url":
        url = urlsplit(str(value))
        if url.password:
            return str(value).replace(f":{url.password}@", ":********@")
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)


def doctor(settings: Settings) -> int:
    """Explain the node's state from its files alone; 1 when something needs mending."""
    problems = list(_findings(settings))
    if not problems:
        print("Không thấy lỗi nào. / Nothing is wrong that can be seen from here.")
    for vietnamese, english in problems:
        print(f"- {vietnamese}\n  {english}")
    return 1 if problems else 0


def _findings(settings: Settings) -> Iterable[tuple[str, str]]:
    data = settings.data_dir
    stored = TwoCopies(data / "identity").load() if data.exists() else None
    if stored is None:
        yield (
            f"Thiết bị chưa chạy lần nào (không có khoá trong {data}). Hãy bật dịch vụ.",
            f"The node has never run (no key in {data}). Start the service.",
        )
        return
    device_id = SigningKey.from_hex(str(stored["key"])).verify_key.device_id
    print(f"device {device_id}")
    yield from _clock_findings(settings)
    yield from _store_findings(data)
    if not (data / "documents" / "config").exists():
        yield (
            "Thiết bị chưa được gán cho cụm loa nào. Nhập mã nhận thiết bị trên trang quản lý.",
            "The device is not bound to a node yet. Enter its claim code on the pages.",
        )


def _clock_findings(settings: Settings) -> Iterable[tuple[str, str]]:
    saved = TwoCopies(settings.data_dir / "counters").load() or {}
    clock = Clock(
        always_trusted=settings.clock == "trusted",
        saved_at=float(saved.get("saved_at", 0.0)),
        rtc_trust_s=settings.rtc_trust_days * 86_400.0,
    )
    reading = clock.reading()
    print(f"time {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z ({reading.source})")
    if not reading.trusted:
        yield (
            "Đồng hồ không đáng tin: lịch phát sẽ không chạy. Kiểm tra mạng hoặc pin RTC.",
            "The clock is not trusted: nothing timed will play. Check the network or RTC battery.",
        )


def _store_findings(data: Path) -> Iterable[tuple[str, str]]:
    store = data / "outbox.sqlite3"
    if not store.exists():
        return
    try:
        db = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=2.0)
        waiting = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
        db.close()
        print(f"reports waiting for the controller: {waiting}")
    except sqlite3.Error as error:
        yield (
            f"Kho báo cáo không đọc được ({error}). Khởi động lại để thiết bị tự dựng lại.",
            f"The report store cannot be read ({error}). Restart: the node rebuilds it by itself.",
        )
    if list(data.glob("outbox.sqlite3.corrupt.*")):
        yield (
            "Kho báo cáo từng bị hỏng và đã được thay; nên thay thẻ nhớ.",
            "The report store was damaged before and was replaced; a new SD card is advisable.",
        )
