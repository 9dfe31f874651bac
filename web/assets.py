"""The built scripts, styles and fonts: found through Vite's manifest, sent with their twins.

`make setup` builds them; nothing is loaded from another host.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from whitenoise import WhiteNoise

from web.headers import ALWAYS

DIST = Path(__file__).parent / "dist"
PREFIX = "/assets/"
_A_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Addresses of what one entry needs."""

    script: str
    styles: tuple[str, ...]


class Manifest:
    """Vite's manifest. `entry("src/main.ts")` walks it, styles of imported parts included."""

    def __init__(self, dist: Path = DIST) -> None:
        path = dist / ".vite" / "manifest.json"
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: run `make setup` to build the pages.")
        self._chunks: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    def entry(self, name: str) -> Entry:
        """What to put into the page's head."""
        styles: dict[str, None] = {}
        self._gather(name, styles, set())
        return Entry(PREFIX + self._chunks[name]["file"], tuple(styles))

    def file(self, ending: str) -> str:
        """The address of the one built asset whose source ends so."""
        found = [c["file"] for name, c in self._chunks.items() if name.endswith(ending)]
        return PREFIX + str(found[0])

    def _gather(self, name: str, styles: dict[str, None], seen: set[str]) -> None:
        if name in seen:
            return
        seen.add(name)
        chunk = self._chunks[name]
        for imported in chunk.get("imports", ()):
            self._gather(imported, styles, seen)
        for style in chunk.get("css", ()):
            styles[PREFIX + style] = None


def install(app: Flask) -> None:
    """Serve `dist` below /assets/ and give templates `bundle`."""
    manifest = Manifest()
    app.jinja_env.globals["bundle"] = manifest.entry
    served = WhiteNoise(app.wsgi_app, max_age=3600, immutable_file_test=_is_hashed)
    served.add_files(str(DIST), prefix=PREFIX)
    app.wsgi_app = _protected(served)  # type: ignore[method-assign]


def _protected(served: WhiteNoise) -> Any:
    """Files never reach the application, which protects all other answers."""

    def answer(environ: dict[str, Any], start: Any) -> Any:
        if not environ["PATH_INFO"].startswith(PREFIX):
            return served(environ, start)

        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            sent = {name.lower() for name, _ in headers}
            more = [(name, text) for name, text in ALWAYS.items() if name.lower() not in sent]
            return start(status, headers + more, *error)

        return served(environ, begin)

    return answer


def _is_hashed(_path: str, url: str) -> bool:
    # Vite writes a hash of the content into each name but that of the icons.
    return not url.endswith(".svg")
