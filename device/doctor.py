"""`loalang node doctor`: what is wrong and how to mend it, on site, with no network needed.

Reads the node's files and the board; changes nothing, and does not ask the running program. Each
finding is a sentence with its remedy, in Vietnamese and in English.
"""

import json
import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from device.board import BoardReader
from device.clock import Clock
from device.durable import TwoCopies
from device.settings import Settings
from protocol.codec import from_json
from protocol.envelope import MessageType, verify
from protocol.errors import ProtocolError
from protocol.keys import SigningKey
from protocol.messages import Board, NodeConfig, ScheduleHead

Finding = tuple[str, str]  # Vietnamese, English

_LOW_SPACE_BYTES = 64 << 20
_HOT_C = 80.0
_WORN_PCT = 90
_DIAL_S = 3.0


def doctor(settings: Settings, *, root: Path = Path("/"), now: datetime | None = None) -> int:
    """Print what is seen and what is wrong; 1 when something needs mending."""
    problems = list(findings(settings, root, now or datetime.now(UTC)))
    if not problems:
        print("Không thấy lỗi nào. / Nothing is wrong that can be seen from here.")
    for vietnamese, english in problems:
        print(f"- {vietnamese}\n  {english}")
    return 1 if problems else 0


def findings(settings: Settings, root: Path, now: datetime) -> Iterator[Finding]:
    """Everything that needs mending, gravest first; prints beside it what is as it should be."""
    data = settings.data_dir
    stored = TwoCopies(data / "identity").load() if data.exists() else None
    if stored is None:
        yield (
            f"Thiết bị chưa chạy lần nào (không có khoá trong {data}). Hãy bật dịch vụ.",
            f"The node has never run (no key in {data}). Start the service.",
        )
        yield from _sound(settings, root)
        return
    device_id = SigningKey.from_hex(str(stored["key"])).verify_key.device_id
    print(f"device {device_id}")
    yield from _sound(settings, root)
    yield from _clock(settings)
    yield from _board(BoardReader(data, root=root).read())
    yield from _store(data)
    yield from _schedule(settings, now)
    yield from _link(settings)


def _sound(settings: Settings, root: Path) -> Iterable[Finding]:
    kind, _, device = settings.sink.partition(":")
    if kind == "alsa":
        cards = _text(root / "proc/asound/cards")
        wanted = device.partition("CARD=")[2].partition(",")[0]
        print(f"sound {device}")
        if "[" not in cards:
            yield (
                "Không thấy thẻ âm thanh nào. Kiểm tra dây USB hoặc HAT âm thanh, rồi bật lại.",
                "There is no sound card. Check the USB cable or the sound HAT, then restart.",
            )
        elif wanted and f"[{wanted}" not in cards:
            yield (
                f"Không thấy thẻ âm thanh «{wanted}». Đang có: {_names(cards)}. Sửa `sink`.",
                f"There is no sound card '{wanted}', but {_names(cards)}. Change `sink`.",
            )
    if settings.amplifier_pin >= 0 and not any((root / "dev").glob("gpiochip*")):
        yield (
            "Không thấy chân GPIO nên không bật được tăng âm. Kiểm tra nhóm quyền «gpio».",
            "There are no GPIO pins, so the amplifier stays off. Check the group 'gpio'.",
        )


def _clock(settings: Settings) -> Iterable[Finding]:
    saved = TwoCopies(settings.data_dir / "counters").load() or {}
    clock = Clock(
        always_trusted=settings.clock == "trusted",
        saved_at=float(saved.get("saved_at", 0.0)),
        saved_correction_s=float(saved.get("saved_correction_s", 0.0)),
        rtc_trust_s=settings.rtc_trust_days * 86_400.0,
    )
    reading = clock.reading()
    print(f"time {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z ({reading.source})")
    if not reading.trusted:
        yield (
            "Đồng hồ không đáng tin: lịch phát sẽ không chạy. Kiểm tra mạng hoặc pin RTC.",
            "The clock is not trusted: nothing timed will play. Check the network or RTC battery.",
        )
    if (saved.get("extra") or {}).get("link_reboots"):
        yield (
            "Máy đã phải khởi động lại vì mất mạng lâu. Kiểm tra SIM, ăng-ten và cước 4G.",
            "The machine was restarted for want of a link. Check SIM, antenna and data plan.",
        )


def _board(board: Board) -> Iterable[Finding]:
    link = board.link or "-"
    signal = board.signal_dbm if board.signal_dbm is not None else board.signal_pct
    print(f"temperature {_or_dash(board.temperature_c)} °C · link {link} {_or_dash(signal)}")
    if board.under_voltage:
        yield (
            "Điện áp thấp. Thay nguồn 5 V đủ mạnh và dây ngắn hơn.",
            "The voltage is low. Fit a stronger 5 V supply and a shorter cable.",
        )
    elif board.power_was_low:
        yield (
            "Điện áp đã sụt từ lần bật gần nhất. Kiểm tra nguồn, nhất là khi tăng âm kêu to.",
            "The voltage dropped since the last boot. Check the supply while it sounds.",
        )
    if (board.temperature_c or 0.0) >= _HOT_C:
        yield (
            f"Máy nóng {board.temperature_c} °C. Che nắng cho hộp, thêm khe thoáng hoặc tản nhiệt.",
            f"The board has {board.temperature_c} °C. Shade the box, add vents or a heat sink.",
        )
    if (board.card_life_pct or 0) >= _WORN_PCT:
        yield (
            f"Thẻ nhớ đã mòn {board.card_life_pct} %. Hãy thay thẻ loại bền (endurance).",
            f"The card is {board.card_life_pct} % worn. Replace it with an endurance card.",
        )


def _store(data: Path) -> Iterable[Finding]:
    free = shutil.disk_usage(data).free
    print(f"free space {free >> 20} MB")
    if free < _LOW_SPACE_BYTES:
        yield (
            f"Thẻ nhớ chỉ còn {free >> 20} MB. Giảm `quota_mb` hoặc thay thẻ lớn hơn.",
            f"Only {free >> 20} MB are free. Lower `quota_mb`, or fit a larger card.",
        )
    if refusal := _refusal(data):
        yield (
            f"Thẻ nhớ không ghi được nữa ({refusal}). Loa vẫn phát, nhưng hãy thay thẻ nhớ.",
            f"The card takes no writes any more ({refusal}). The node plays on; replace the card.",
        )
    yield from _outbox(data / "outbox.sqlite3")
    if list(data.glob("outbox.sqlite3.corrupt.*")):
        yield (
            "Kho báo cáo từng bị hỏng và đã được thay; nên thay thẻ nhớ.",
            "The report store was damaged before and was replaced; a new SD card is advisable.",
        )


def _refusal(data: Path) -> str:
    """Why nothing can be written there; mount options do not tell of a card that failed."""
    try:
        with tempfile.TemporaryFile(dir=data, buffering=0) as file:
            file.write(b"?")
            os.fsync(file.fileno())
    except PermissionError:
        return ""  # the card may be well; who asks is somebody else
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _outbox(store: Path) -> Iterable[Finding]:
    if not store.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=2.0)) as db:
            waiting = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
        print(f"reports waiting for the controller: {waiting}")
    except sqlite3.Error as error:
        yield (
            f"Kho báo cáo không đọc được ({error}). Khởi động lại để thiết bị tự dựng lại.",
            f"The report store cannot be read ({error}). Restart: the node rebuilds it by itself.",
        )


def _schedule(settings: Settings, now: datetime) -> Iterable[Finding]:
    documents = settings.data_dir / "documents"
    if not (documents / "config").exists():
        yield (
            "Thiết bị chưa được gán cho cụm loa nào. Nhập mã nhận thiết bị trên trang quản lý.",
            "The device is not bound to a node yet. Enter its claim code on the pages.",
        )
        return
    try:
        body = verify((documents / "config").read_bytes(), MessageType.CONFIG, settings.keys)
        config = from_json(NodeConfig, body)
    except (OSError, ProtocolError):
        yield (
            "Cấu hình lưu trên thẻ không đúng chữ ký. Kiểm tra `controller_keys`.",
            "The stored configuration is not signed by our key. Check `controller_keys`.",
        )
        return
    print(f"node {config.node_code} ({config.name}), volume {config.volume_pct} %")
    heads = dict(_heads(settings))
    if not heads:
        yield (
            "Chưa có lịch phát nào trên thẻ. Kiểm tra mạng, hoặc chép lịch bằng USB.",
            "There is no schedule on the card. Check the link, or bring one by USB stick.",
        )
    for area_id, head in heads.items():
        # A day that is over is never fetched.
        coming = [ref for ref in head.pages if ref.day >= now.date().isoformat()]
        missing = [ref.day for ref in coming if not _holds(settings.data_dir, ref.sha256)]
        print(f"schedule of {area_id}: revision {head.revision}, until {head.until:%Y-%m-%d}")
        if head.until <= now:
            yield (
                f"Lịch phát hết hạn ngày {head.until:%d/%m/%Y}. Kiểm tra mạng, hoặc chép USB.",
                f"The schedule ended on {head.until:%Y-%m-%d}. Check the link, or use a USB stick.",
            )
        elif missing:
            yield (
                f"Lịch còn thiếu {len(missing)} ngày (từ {missing[0]}). Hãy chờ, hoặc chép USB.",
                f"{len(missing)} days are not here yet (from {missing[0]}). Wait, or use a stick.",
            )


def _heads(settings: Settings) -> Iterator[tuple[str, ScheduleHead]]:
    for path in sorted((settings.data_dir / "schedules").glob("*.active")):
        try:
            body = verify(path.read_bytes(), MessageType.SCHEDULE, settings.keys)
            yield path.stem, from_json(ScheduleHead, body)
        except (OSError, ProtocolError):
            continue  # the node drops what is damaged when it starts


def _link(settings: Settings) -> Iterable[Finding]:
    """Offline this takes some seconds; the node plays on all the same."""
    where = (settings.broker.hostname or "", settings.broker_port)
    try:
        socket.create_connection(where, timeout=_DIAL_S).close()
    except OSError as error:
        print(f"link: {where[0]}:{where[1]} {error}")
        yield (
            f"Không gọi được máy chủ {where[0]}:{where[1]}. Kiểm tra SIM, ăng-ten, `broker_url`. "
            "Loa vẫn phát theo lịch đã có.",
            f"{where[0]}:{where[1]} does not answer. Check SIM, antenna and `broker_url`. The "
            "schedule that is here plays on.",
        )


def _holds(data: Path, sha256: str) -> bool:
    return (data / "blobs" / sha256[:2] / sha256).exists()


def _names(cards: str) -> str:
    """The names in brackets of /proc/asound/cards."""
    found = [line.partition("[")[2].partition("]")[0].strip() for line in cards.splitlines()]
    return json.dumps([name for name in found if name], ensure_ascii=False)


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
