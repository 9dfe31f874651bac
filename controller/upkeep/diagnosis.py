"""What is wrong with this controller and how to mend it: each check is one finding.

Nothing here changes anything, and nothing needs the service or the pages to run.
"""

import os
import shutil
import socket
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from audio_library.store import Store
from controller import database, schema
from controller.accounts.access import SYSTEM
from controller.errors import ControllerError
from controller.fleet import nodes
from controller.models import Approval, AuditEntry, ClipVersion, Role, ServiceCommand, User
from controller.one_service import only_service
from controller.settings import Settings
from controller.upkeep import recovery

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_LEAST_FREE_BYTES: Final = 1_000_000_000
_COMMAND_WAITS: Final = timedelta(seconds=60)
_FAILED_SHOWN: Final = timedelta(days=7)
_TIMEOUT_S: Final = 3.0


class Health(StrEnum):
    """How a finding stands."""

    WELL = "well"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, and a sentence with the remedy; when well, a figure if any."""

    name: str
    health: Health
    vi: str = ""
    en: str = ""


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Every check, in the order in which one would mend them."""
    yield _data_folder(settings.data_dir)
    yield _key("signing_key", settings.signing_key_file)
    yield _key("web_key", settings.secret_key_file)
    yield _apart(settings)
    yield _sealed(settings)
    yield _speech()
    yield _broker(settings)
    yield _pages(settings)
    engine = database.open_engine(settings.database_url)
    try:
        checked = _database(engine)
        yield checked
        yield _service(engine, settings)
        if checked.health is Health.WELL:
            yield from _inside(engine, Store(settings.store_dir), now)
    finally:
        engine.dispose()


def _inside(engine: Engine, store: Store, now: datetime) -> Iterator[Finding]:
    with database.reading(engine) as session:
        yield _administrator(session)
        yield _sounds(session, store)
        yield _waiting(session, now)
        yield from _silent_nodes(session, now)


def _data_folder(folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding(
            "data_folder",
            Health.BROKEN,
            f"Không có thư mục dữ liệu {folder}: hãy tạo, hoặc sửa LOALANG_DATA_DIR.",
            f"There is no data folder {folder}: make it, or mend LOALANG_DATA_DIR.",
        )
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        return Finding(
            "data_folder",
            Health.WARNING,
            f"Đĩa của {folder} chỉ còn {free // 10**6} MB: hãy dọn bớt.",
            f"The disk of {folder} has only {free // 10**6} MB left: make room.",
        )
    return Finding("data_folder", Health.WELL)


def _key(name: str, path: Path) -> Finding:
    if not os.access(path.parent, os.X_OK) and os.access(path.parent, os.F_OK):
        return Finding(name, Health.WELL)  # another user's, where we cannot look
    if not path.exists():
        return Finding(
            name,
            Health.WARNING,
            f"Chưa có tệp khoá {path}: chương trình sẽ tạo khi chạy lần đầu.",
            f"There is no key {path} yet: it is made at the first start.",
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding(
            name,
            Health.BROKEN,
            f"Tệp khoá {path} đang cho người khác đọc: hãy chạy «chmod 600 {path}».",
            f"The key {path} can be read by others: run 'chmod 600 {path}'.",
        )
    return Finding(name, Health.WELL)


def _apart(settings: Settings) -> Finding:
    """Whether the pages, as a user of their own, are kept from what only the service may touch."""
    keys = settings.signing_key_file.parent
    open_ones = [
        path
        for path, mask in ((settings.service_dir, 0o022), (keys, 0o077))
        if path.is_dir() and stat.S_IMODE(path.stat().st_mode) & mask
    ]
    if settings.service_dir == settings.data_dir or not open_ones:
        return Finding("keys_apart", Health.WELL)
    return Finding(
        "keys_apart",
        Health.BROKEN,
        f"Trang web với tới được {open_ones[0]}: hãy chạy lại deploy/install-controller.sh.",
        f"The pages can reach {open_ones[0]}: run deploy/install-controller.sh again.",
    )


def _sealed(settings: Settings) -> Finding:
    if recovery.chosen(settings):
        return Finding("recovery", Health.WELL)
    return Finding(
        "recovery",
        Health.WARNING,
        "Bản sao lưu chưa có khoá ký: hãy chạy «loalang keys passphrase», chép mật khẩu ra giấy.",
        "Backups do not hold the signing keys: run 'loalang keys passphrase' and keep what it "
        "shows on paper.",
    )


def _speech() -> Finding:
    if shutil.which("espeak-ng"):
        return Finding("speech", Health.WELL)
    return Finding(
        "speech",
        Health.WARNING,
        "Chưa có espeak-ng nên chưa đọc được văn bản: hãy chạy «apt-get install espeak-ng».",
        "espeak-ng is missing, so no text can be spoken: run 'apt-get install espeak-ng'.",
    )


def _broker(settings: Settings) -> Finding:
    url = urlsplit(settings.broker_url)
    address = (url.hostname or "127.0.0.1", url.port or _PORTS[url.scheme])
    try:
        with socket.create_connection(address, _TIMEOUT_S) as connection:
            if url.scheme == "mqtts":
                trusted = str(settings.broker_ca_file) if settings.broker_ca_file else None
                context = ssl.create_default_context(cafile=trusted)
                context.wrap_socket(connection, server_hostname=address[0]).close()
    except (OSError, ssl.SSLError) as error:
        where = f"{address[0]}:{address[1]}"
        return Finding(
            "broker",
            Health.BROKEN,
            f"Không nối được máy chủ MQTT {where} ({error}): hãy kiểm tra mosquitto và "
            "LOALANG_BROKER_URL.",
            f"The broker {where} cannot be reached ({error}): check mosquitto and "
            "LOALANG_BROKER_URL.",
        )
    return Finding("broker", Health.WELL)


def _pages(settings: Settings) -> Finding:
    host, port = settings.address
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::", "*") else host
    shown = f"[{reachable}]" if ":" in reachable else reachable
    try:
        with urlopen(f"http://{shown}:{port}/api/v1/healthz", timeout=_TIMEOUT_S) as answer:
            if answer.status == 200:
                return Finding("pages", Health.WELL)
            reason = str(answer.status)
    except (URLError, OSError, ValueError) as error:
        reason = str(getattr(error, "reason", error))
    return Finding(
        "pages",
        Health.BROKEN,
        f"Trang web ở {settings.bind} không trả lời ({reason}): hãy chạy «loalang controller».",
        f"The pages at {settings.bind} do not answer ({reason}): start 'loalang controller'.",
    )


def _database(engine: Engine) -> Finding:
    try:
        schema.require_current(engine)
    except ControllerError as error:
        return Finding("database", Health.BROKEN, error.vi, error.en)
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        return Finding(
            "database",
            Health.BROKEN,
            f"Không mở được cơ sở dữ liệu ({reason}): hãy kiểm tra LOALANG_DATABASE_URL.",
            f"The database cannot be opened ({reason}): check LOALANG_DATABASE_URL.",
        )
    return Finding("database", Health.WELL)


def _service(engine: Engine, settings: Settings) -> Finding:
    try:
        with only_service(engine, settings.wake_path.parent):
            pass
    except ControllerError:
        return Finding("service", Health.WELL)  # somebody holds the lock: it runs
    except (OSError, SQLAlchemyError):
        pass
    return Finding(
        "service",
        Health.BROKEN,
        "Dịch vụ không chạy nên lịch mới không tới cụm loa: hãy chạy «loalang controller».",
        "The service is down, so nothing new reaches the nodes: start 'loalang controller'.",
    )


def _administrator(session: Session) -> Finding:
    query = select(func.count()).where(
        User.role == Role.ADMINISTRATOR, User.password_hash.is_not(None), User.locked_at.is_(None)
    )
    if session.scalar(query):
        return Finding("administrator", Health.WELL)
    return Finding(
        "administrator",
        Health.BROKEN,
        "Chưa có người quản trị nào đăng nhập được: hãy chạy «loalang user create --role "
        "administrator …» và mở liên kết in ra.",
        "No administrator can sign in: run 'loalang user create --role administrator …' and open "
        "the link it prints.",
    )


def _sounds(session: Session, store: Store) -> Finding:
    query = select(ClipVersion.sha256).where(ClipVersion.status == Approval.APPROVED).distinct()
    missing = sum(not store.has(sha256) for sha256 in session.scalars(query))
    if not missing:
        used, free = store.used_bytes() // 10**6, store.free_bytes() // 10**6
        return Finding(
            "sounds",
            Health.WELL,
            f"{len(store.hashes())} tệp âm thanh, {used} MB; đĩa còn {free} MB.",
            f"{len(store.hashes())} sound files, {used} MB; {free} MB of the disk are free.",
        )
    return Finding(
        "sounds",
        Health.BROKEN,
        f"{missing} bản tin đã duyệt mất tệp âm thanh: hãy khôi phục từ bản sao lưu.",
        f"{missing} approved recordings have lost their sound: restore it from a backup.",
    )


def _waiting(session: Session, now: datetime) -> Finding:
    query = select(func.count()).where(
        ServiceCommand.done_at.is_(None), ServiceCommand.created_at < now - _COMMAND_WAITS
    )
    waiting = session.scalar(query) or 0
    failed = _failed(session, now)
    if failed:
        return Finding(
            "orders",
            Health.BROKEN,
            f"{failed} việc làm nhiều lần không được trong tuần qua: hãy xem nhật ký của dịch vụ.",
            f"{failed} orders failed every time in the last week: look into the service's log.",
        )
    if not waiting:
        return Finding("orders", Health.WELL)
    return Finding(
        "orders",
        Health.BROKEN,
        f"{waiting} việc đã chờ dịch vụ hơn một phút: hãy xem nhật ký của dịch vụ.",
        f"{waiting} orders have waited for the service over a minute: look into its log.",
    )


def _failed(session: Session, now: datetime) -> int:
    query = select(func.count()).where(
        AuditEntry.action == "order.failed", AuditEntry.at > now - _FAILED_SHOWN
    )
    return session.scalar(query) or 0


def _silent_nodes(session: Session, now: datetime) -> Iterator[Finding]:
    cursor: str | None = None
    while True:
        page = nodes.page(session, SYSTEM, now=now, limit=500, cursor=cursor)
        for view in page.items:
            if not view.online:
                yield _silent(view)
        cursor = page.next_cursor
        if cursor is None:
            return


def _silent(view: nodes.NodeView) -> Finding:
    name = f"node {view.node.code}"
    if view.device_id is None:
        return Finding(
            name,
            Health.WARNING,
            "Chưa có thiết bị: hãy nhập mã kích hoạt vào cụm loa.",
            "No device yet: enter its claim code on the node.",
        )
    since = view.last_seen_at.strftime("%Y-%m-%d %H:%M UTC") if view.last_seen_at else "-"
    return Finding(
        name,
        Health.WARNING,
        f"Mất kết nối từ {since}: hãy kiểm tra điện và mạng tại chỗ.",
        f"Disconnected since {since}: check power and network there.",
    )
