"""What the controller is told from outside: environment `LOALANG_*`, or a TOML file for it.

Read once at start into a frozen `Settings` and passed on; nothing imports a value. The environment
beats the file. A secret may stand in a file of its own: `LOALANG_BROKER_PASSWORD_FILE` names it.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from controller.errors import ControllerError
from controller.keys.countersigning import SecondParty
from controller.keys.factor_box import FactorBox
from protocol.keys import VerifyKey

PREFIX: Final = "LOALANG_"
# The environment may name the file too, so that a unit file needs no arguments.
CONFIG_VARIABLE: Final = PREFIX + "CONFIG"
_SECRETS: Final = frozenset({"broker_password"})
_MASK: Final = "********"


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective values. Paths are absolute; times and sizes carry their unit."""

    data_dir: Path  # what the service and the pages share
    service_dir: Path  # what only the service writes, its keys too; one user: data_dir
    database_url: str  # sqlite:///PATH or postgresql://…
    broker_url: str  # mqtt://HOST:PORT or mqtts://HOST:PORT
    broker_user: str
    broker_password: str
    broker_ca_file: Path | None  # None: the system's own authorities
    broker_access_dir: Path | None  # where the broker's access list is written; None: it has none
    device_authority_file: Path | None  # key and certificate that vouch for devices
    second_signer_socket: Path | None  # where the second signer answers (loalang sign)
    second_signer_key: str  # its public key, 64 hex digits
    site: str  # the topics' second level: one controller's nodes
    bind: str  # HOST:PORT of the pages
    public_url: str  # what links in messages begin with
    signing_key_file: Path  # only the service reads it
    secret_key_file: Path  # signs the pages' sessions
    factor_key_file: Path  # locks away the secrets of second factors
    store_dir: Path
    wake_path: Path  # the service's datagram socket
    horizon_days: int  # how far ahead nodes know their airings
    ready_check_s: int  # how long before air time the held clips are looked at
    missed_grace_s: int  # how long after an airing's end its report is awaited
    ingest_workers: int  # processes that take in reports; more than one needs PostgreSQL
    max_upload_bytes: int
    language: str  # of pages and sentences for somebody who chose none

    def environ(self) -> dict[str, str]:
        """The variables from which `load` makes the same settings, for a child process."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {PREFIX + n.upper(): str(v) for n, v in values.items() if v is not None}

    def masked(self) -> dict[str, str]:
        """Every value as text, secrets hidden, for `check-config`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: _MASK if value and name in _SECRETS else _without_password(str(value or ""))
            for name, value in values.items()
        }

    @property
    def temporary_dir(self) -> Path:
        """Where uploads and exports wait; on the same disk as the store."""
        return self.data_dir / "tmp"

    @property
    def day_pages_dir(self) -> Path:
        """Where the service keeps the day pages of schedules; the pages read them for a stick."""
        return self.service_dir / "pages"

    @property
    def pack_key_file(self) -> Path:
        """What clip packs are signed with; only the service reads it."""
        return self.signing_key_file.with_name("packs.key")

    @property
    def factor_box(self) -> FactorBox:
        """What locks and opens the secrets of second factors."""
        return FactorBox(self.factor_key_file)

    @property
    def second_signer(self) -> SecondParty | None:
        """Who signs too where two must; None when nobody was set up for it."""
        if self.second_signer_socket is None or not self.second_signer_key:
            return None
        return SecondParty(self.second_signer_socket, VerifyKey.from_hex(self.second_signer_key))

    @property
    def report_group(self) -> str:
        """The name under which our workers share reports on the broker: no device can guess it."""
        secret = b"loalang/reports\0" + self.broker_password.encode()
        return hashlib.sha256(secret).hexdigest()[:24]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `bind`."""
        host, _, port = self.bind.rpartition(":")
        return host.strip("[]"), int(port)


class SettingsError(ControllerError):
    """One or more settings cannot be used; `mistakes` holds a sentence (vi, en) for each."""

    def __init__(self, mistakes: list[tuple[str, str]]) -> None:
        super().__init__(
            "bad_settings",
            "\n".join(vi for vi, _ in mistakes),
            "\n".join(en for _, en in mistakes),
        )
        self.mistakes = mistakes


def load(environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """The settings of `environ` over those of the TOML file. Raises SettingsError, all at once."""
    mistakes: list[tuple[str, str]] = []
    values = _gathered(environ, config, mistakes)
    reader = _Reader(values, mistakes)
    settings = _read(reader)
    if settings.ingest_workers > 1 and settings.database_url.startswith("sqlite"):
        mistakes.append(
            (
                f"{PREFIX}INGEST_WORKERS lớn hơn 1 cần PostgreSQL: hãy đặt lại là 1 hoặc đổi "
                f"{PREFIX}DATABASE_URL.",
                f"{PREFIX}INGEST_WORKERS above 1 needs PostgreSQL: set it to 1 or change "
                f"{PREFIX}DATABASE_URL.",
            )
        )
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _read(reader: "_Reader") -> Settings:
    data_dir = reader.path("data_dir", Path("/var/lib/loalang"))
    service_dir = reader.path("service_dir", data_dir)
    bind = reader.get("bind", "127.0.0.1:8080", _address)
    file = f"sqlite:///{data_dir / 'loalang.db'}"
    database_url = reader.get("database_url", file, _scheme(_DATABASES))
    return Settings(
        data_dir=data_dir,
        service_dir=service_dir,
        database_url=database_url,
        broker_url=reader.get("broker_url", "mqtt://127.0.0.1:1883", _scheme(_BROKERS)),
        broker_user=reader.get("broker_user", "", str),
        broker_password=reader.get("broker_password", "", str),
        broker_ca_file=reader.optional_path("broker_ca_file"),
        broker_access_dir=reader.optional_path("broker_access_dir"),
        device_authority_file=reader.optional_path("device_authority_file"),
        second_signer_socket=reader.optional_path("second_signer_socket"),
        second_signer_key=reader.get("second_signer_key", "", _public_key),
        site=reader.get("site", "main", _topic_level),
        bind=bind,
        public_url=reader.get("public_url", f"http://{bind}", _scheme(_PAGES)).rstrip("/"),
        signing_key_file=reader.path("signing_key_file", service_dir / "keys" / "controller.key"),
        secret_key_file=reader.path("secret_key_file", data_dir / "keys" / "web.key"),
        factor_key_file=reader.path("factor_key_file", data_dir / "keys" / "factor.key"),
        store_dir=reader.path("store_dir", data_dir / "store"),
        wake_path=reader.path("wake_path", service_dir / "run" / "service.sock"),
        horizon_days=reader.get("horizon_days", 30, _between(2, 90)),
        ready_check_s=reader.get("ready_check_s", 1800, _between(10, 86400)),
        missed_grace_s=reader.get("missed_grace_s", 60, _between(1, 86400)),
        ingest_workers=reader.get("ingest_workers", _workers(database_url), _between(1, 16)),
        max_upload_bytes=reader.get("max_upload_bytes", 200_000_000, _between(1000, 2**40)),
        language=reader.get("language", "vi", _language),
    )


def _workers(database_url: str) -> int:
    """SQLite has one writer at a time; with PostgreSQL a second process is worth its memory."""
    return 1 if database_url.startswith("sqlite") else 2


# --- reading -----------------------------------------------------------------------------------

_DATABASES: Final = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_BROKERS: Final = ("mqtt://", "mqtts://")
_PAGES: Final = ("http://", "https://")

Mistakes = list[tuple[str, str]]
T = TypeVar("T")


class _Unusable(ValueError):
    """A value that cannot be used: what is wanted, in both languages."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


class _Reader:
    """Takes value by value and notes each mistake instead of stopping at the first."""

    def __init__(self, values: Mapping[str, str], mistakes: Mistakes) -> None:
        self._values = values
        self._mistakes = mistakes

    def get(self, name: str, default: T, convert: Callable[[str], T]) -> T:
        text = self._values.get(name)
        if text is None:
            return default
        try:
            return convert(text)
        except _Unusable as wanted:
            shown = _MASK if name in _SECRETS else _without_password(text)
            self._mistakes.append(
                (
                    f"{PREFIX}{name.upper()} là «{shown}»; cần {wanted.vi}.",
                    f"{PREFIX}{name.upper()} is '{shown}'; it must be {wanted.en}.",
                )
            )
            return default

    def path(self, name: str, default: Path) -> Path:
        return self.get(name, default, _path)

    def optional_path(self, name: str) -> Path | None:
        return self.get(name, None, lambda text: _path(text) if text else None)


def _gathered(
    environ: Mapping[str, str], config: Path | None, mistakes: Mistakes
) -> dict[str, str]:
    """Names in lower case → text: the file's values, the environment's over them, then secrets."""
    known = {field.name for field in fields(Settings)}
    named = environ.get(CONFIG_VARIABLE)
    path = config or (Path(named) if named else None)
    values = _from_file(path, known, mistakes) if path else {}
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and _base(name) in known:
            values.pop(_base(name), None)  # a secret's file beats a secret said in the other place
            values[name] = text
    for name in _SECRETS & {_base(name) for name in values} - values.keys():
        _read_secret(name, values, mistakes)
    return values


def _base(name: str) -> str:
    base = name.removesuffix("_file")
    return base if base in _SECRETS else name


def _from_file(path: Path, known: set[str], mistakes: Mistakes) -> dict[str, str]:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        mistakes.append(
            (
                f"Không đọc được tệp cấu hình {path} ({error}): hãy sửa hoặc chọn tệp khác.",
                f"The configuration file {path} cannot be read ({error}): mend it or name another.",
            )
        )
        return {}
    mistakes += [
        (
            f"Tệp {path} có mục lạ «{name}»: hãy xoá hoặc sửa tên.",
            f"The file {path} has an unknown entry '{name}': remove it or mend its name.",
        )
        for name in found
        if _base(name) not in known
    ]
    return {name: str(value) for name, value in found.items() if _base(name) in known}


def _read_secret(name: str, values: dict[str, str], mistakes: Mistakes) -> None:
    path = Path(values[f"{name}_file"])
    try:
        values[name] = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        mistakes.append(
            (
                f"Không đọc được {path} ({error}): {PREFIX}{name.upper()}_FILE phải chỉ tới tệp "
                "mật khẩu.",
                f"{path} cannot be read ({error}): {PREFIX}{name.upper()}_FILE must name the file "
                "with the password.",
            )
        )


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise _Unusable("một đường dẫn", "a path")
    return Path(text).expanduser().absolute()


def _scheme(schemes: tuple[str, ...]) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if not text.startswith(schemes) or text in schemes:
            begins = " / ".join(schemes)
            raise _Unusable(f"địa chỉ bắt đầu bằng {begins}", f"an address that begins {begins}")
        return text

    return convert


def _between(lowest: int, highest: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not re.fullmatch(r"\d{1,15}", text) or not lowest <= int(text) <= highest:
            raise _Unusable(
                f"số nguyên từ {lowest} đến {highest}", f"a whole number from {lowest} to {highest}"
            )
        return int(text)

    return convert


def _address(text: str) -> str:
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s/]+):(\d{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise _Unusable("MÁY:CỔNG, ví dụ 0.0.0.0:8080", "HOST:PORT, such as 0.0.0.0:8080")
    return text


def _topic_level(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", text):
        raise _Unusable("chữ không dấu, số, - hoặc _", "letters, digits, - or _")
    return text


def _public_key(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise _Unusable("64 chữ số thập lục phân", "64 hex digits")
    return text


def _language(text: str) -> str:
    if text not in ("vi", "en"):
        raise _Unusable("vi hoặc en", "vi or en")
    return text


def _without_password(text: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]+@", rf"\1:{_MASK}@", text)
