"""The keys for the worst day: sealed under a recovery passphrase, so that a backup may carry them.

A backup leaves the house over the page, and whoever breaks into the pages reads every backup there
is: no key may lie in it as it is. From the passphrase, which stands on paper and nowhere else,
scrypt makes two keys. With the one the service seals its own; it keeps that one beside them, so
that nobody else can seal something in their place. The other's public half is for all to see, and
the pages seal what is theirs with it without being able to open it again.

    service_dir/recovery.json       public: how scrypt is done, the public half
    service_dir/keys.sealed         the service's keys, sealed anew at each start and rotation
    service_dir/keys/recovery.key   what the service seals with
"""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from controller.errors import BadInput, ControllerError
from controller.files import write_durably
from controller.keys.signing import may_read
from controller.settings import Settings

_PUBLIC: Final = "recovery.json"
_SEALED: Final = "keys.sealed"
_OWN: Final = "recovery.key"
FOLDER: Final = "sealed"  # in a backup
_SERVICE: Final = b"loalang keys of the service 1\0"
_PAGES: Final = b"loalang keys of the pages 1\0"
_LEAST_LETTERS: Final = 16
_COST: Final = 1 << 16  # 64 MiB and a quarter of a second a guess
_MOST_COST: Final = 1 << 20
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the passphrase becomes keys, and the public half of the second (all hex)."""

    salt: str
    cost: int
    box: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """What scrypt makes of the passphrase, 32 bytes each."""

    own: bytes
    box: bytes


def invented() -> str:
    """A passphrase of 100 random bits, in groups that can be written down and read aloud."""
    letters = base64.b32encode(secrets.token_bytes(13)).decode().lower()[:20]
    return "-".join(letters[at : at + 4] for at in range(0, 20, 4))


def choose(settings: Settings, passphrase: str) -> None:
    """From now on backups carry the keys, sealed under this. Raises BadInput when it is short."""
    if len(passphrase) < _LEAST_LETTERS:
        raise BadInput(
            {
                "passphrase": (
                    f"Mật khẩu khôi phục cần ít nhất {_LEAST_LETTERS} ký tự: hãy chọn câu dài hơn.",
                    f"A recovery passphrase has at least {_LEAST_LETTERS} letters: choose a longer "
                    "one.",
                )
            }
        )
    salt = secrets.token_bytes(16)
    made = _derived(passphrase, salt, _COST)
    public = X25519PrivateKey.from_private_bytes(made.box).public_key().public_bytes_raw()
    keep(settings, json.dumps(asdict(Recipe(salt.hex(), _COST, public.hex()))).encode(), made)
    seal(settings)


def keep(settings: Settings, recipe: bytes, made: Secrets) -> None:
    """Lay down what sealing needs: also after a restore, so that the same passphrase holds on."""
    write_durably(_own_file(settings), f"{made.own.hex()}\n".encode())
    write_durably(settings.service_dir / _PUBLIC, recipe, mode=0o640)


def chosen(settings: Settings) -> bool:
    """Whether backups carry the keys."""
    return os.access(settings.service_dir / _PUBLIC, os.R_OK)


def seal(settings: Settings) -> None:
    """Seal the service's keys as they are now; nothing where no passphrase was chosen."""
    own = _own_file(settings)
    if not may_read(own) or not own.exists():
        return
    text = _locked(bytes.fromhex(own.read_text(encoding="ascii")), _own_keys(settings), _SERVICE)
    write_durably(settings.service_dir / _SEALED, json.dumps(text).encode(), mode=0o640)


def for_backup(settings: Settings) -> dict[str, bytes]:
    """Name in the backup → content; empty where no passphrase was chosen."""
    if not chosen(settings):
        return {}
    seal(settings)  # where this process may; the service's own copy counts otherwise
    public = (settings.service_dir / _PUBLIC).read_bytes()
    found = {f"{FOLDER}/{_PUBLIC}": public}
    sealed = settings.service_dir / _SEALED
    if os.access(sealed, os.R_OK):
        found[f"{FOLDER}/service.json"] = sealed.read_bytes()
    if os.access(settings.factor_key_file, os.R_OK):
        theirs = {"factor.key": settings.factor_key_file.read_text(encoding="ascii")}
        text = _boxed(X25519PublicKey.from_public_bytes(_recipe_box(public)), theirs)
        found[f"{FOLDER}/pages.json"] = json.dumps(text).encode()
    return found


def opened(folder: Path, passphrase: str) -> tuple[Secrets, dict[str, str]]:
    """From a backup's `sealed` folder: file name → content of each key.

    Raises ControllerError for another passphrase, ValueError for what is damaged.
    """
    recipe = json.loads((folder / _PUBLIC).read_text(encoding="utf-8"))
    cost = int(recipe["cost"])
    if not 1 < cost <= _MOST_COST:
        raise ValueError("a cost nobody chose")
    made = _derived(passphrase, bytes.fromhex(recipe["salt"]), cost)
    box = X25519PrivateKey.from_private_bytes(made.box)
    if box.public_key().public_bytes_raw().hex() != recipe["box"]:
        raise ControllerError(
            "wrong_passphrase",
            "Mật khẩu khôi phục không đúng: hãy nhập lại, hoặc thêm --without-keys để khôi phục "
            "dữ liệu mà không có khoá.",
            "This is not the recovery passphrase: enter it again, or add --without-keys to bring "
            "the data back without the keys.",
        )
    found: dict[str, str] = {}
    for name in ("service.json", _SEALED):  # in a backup; as it lies here
        if (folder / name).exists():
            found |= _unlocked(made.own, _read(folder / name), _SERVICE)
    if (folder / "pages.json").exists():
        found |= _unboxed(box, _read(folder / "pages.json"))
    return made, found


def bring_back(settings: Settings, folder: Path, passphrase: str) -> int:
    """The service's keys from copies of `keys.sealed` and `recovery.json`; how many there were.

    For whom the database comes back by other ways. Raises ControllerError: there are keys here
    already, another passphrase, a damaged copy.
    """
    if settings.signing_key_file.exists():
        raise ControllerError(
            "keys_are_here",
            f"Đã có khoá ở {settings.signing_key_file}: hãy chuyển nó đi nơi khác rồi chạy lại.",
            f"There is a key at {settings.signing_key_file}: move it away, then run this again.",
        )
    try:
        made, found = opened(folder, passphrase)
        recipe = (folder / _PUBLIC).read_bytes()
    except (OSError, ValueError, KeyError) as error:
        raise ControllerError(
            "bad_sealed_keys",
            f"{folder} không có keys.sealed và recovery.json nguyên vẹn: hãy chọn bản khác.",
            f"{folder} holds no whole keys.sealed and recovery.json: choose another copy.",
        ) from error
    for name, content in found.items():
        write_durably(settings.signing_key_file.with_name(Path(name).name), content.encode())
    keep(settings, recipe, made)
    return len(found)


def _own_keys(settings: Settings) -> dict[str, str]:
    own, pack = settings.signing_key_file, settings.pack_key_file
    paths = {"controller.key": own, "packs.key": pack}
    for path in own.parent.glob(f"{own.stem}.*.key"):  # next and retired ones
        paths[f"controller{path.name.removeprefix(own.stem)}"] = path
    return {name: path.read_text("ascii") for name, path in paths.items() if path.exists()}


def _own_file(settings: Settings) -> Path:
    return settings.signing_key_file.with_name(_OWN)


def _derived(passphrase: str, salt: bytes, cost: int) -> Secrets:
    # Written down on paper: spaces and capitals are no part of it.
    typed = "".join(passphrase.split()).casefold().encode()
    made = Scrypt(salt=salt, length=64, n=cost, r=8, p=1).derive(typed)
    return Secrets(made[:32], made[32:])


def _recipe_box(raw: bytes) -> bytes:
    return bytes.fromhex(json.loads(raw)["box"])


def _read(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="ascii"))
    if not isinstance(content, dict):
        raise ValueError("not sealed by us")
    return content


def _locked(key: bytes, keys: Mapping[str, str], tag: bytes) -> dict[str, str]:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    locked = AESGCM(key).encrypt(nonce, json.dumps(dict(keys)).encode(), tag)
    return {"sealed": base64.b64encode(nonce + locked).decode()}


def _unlocked(key: bytes, sealed: Mapping[str, Any], tag: bytes) -> dict[str, str]:
    try:
        raw = base64.b64decode(str(sealed["sealed"]), validate=True)
        text = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], tag)
    except (InvalidTag, binascii.Error) as error:
        raise ValueError("sealed by somebody else, or damaged") from error
    return {str(name): str(content) for name, content in json.loads(text).items()}


def _boxed(public: X25519PublicKey, keys: Mapping[str, str]) -> dict[str, str]:
    once = X25519PrivateKey.generate()
    sender = once.public_key().public_bytes_raw()
    key = _shared(once.exchange(public), sender, public.public_bytes_raw())
    return {"from": sender.hex(), **_locked(key, keys, _PAGES)}


def _unboxed(box: X25519PrivateKey, sealed: Mapping[str, Any]) -> dict[str, str]:
    sender = bytes.fromhex(str(sealed["from"]))
    own = box.public_key().public_bytes_raw()
    key = _shared(box.exchange(X25519PublicKey.from_public_bytes(sender)), sender, own)
    return _unlocked(key, sealed, _PAGES)


def _shared(secret: bytes, sender: bytes, receiver: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=_PAGES + sender + receiver).derive(secret)
