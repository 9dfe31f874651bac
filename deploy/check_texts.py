"""`make check`: every sentence of the pages has its English; `make texts` brings the catalogue up.

Vietnamese stands in the code and in the templates and is its own key, so only English has a
catalogue. One that is empty or marked fuzzy counts as missing.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "_l": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def sentences(folder: Path) -> Catalog:
    """What the pages say, with the places where they say it."""
    found = Catalog(charset="utf-8")
    extracted = extract_from_dir(
        folder,
        METHODS,
        keywords=KEYWORDS,
        directory_filter=lambda path: Path(path).name not in {"node_modules", "dist", "i18n"},
    )
    for name, line, message, comments, context in extracted:
        found.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return found


def untranslated(said: Catalog, english: Catalog) -> list[str]:
    """Sentences without an English one, as `file:line: sentence`."""
    missing = []
    for message in said:
        if not message.id:
            continue
        known = english.get(message.id, message.context)
        strings = known.string if known is not None and not known.fuzzy else ""
        texts = strings if isinstance(strings, list | tuple) else [strings]
        if not all(texts):
            name, line = message.locations[0]
            missing.append(f"{name}:{line}: {message.id}")
    return missing


def _read(path: Path) -> Catalog:
    if not path.exists():
        return Catalog(locale="en", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale="en")


def _write(path: Path, said: Catalog, english: Catalog) -> None:
    """The catalogue with every sentence in it, those no page says any more left out."""
    english.update(said, no_fuzzy_matching=True)
    english.obsolete.clear()
    # A date in the file would be the one line that every branch changes.
    english.creation_date = english.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, english, width=100, sort_by_file=True, include_lineno=False)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.check_texts", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the catalogue anew")
    parser.add_argument("--pages", type=Path, default=Path(__file__).parent.parent / "web")
    options = parser.parse_args(arguments)
    path = options.pages / "i18n" / "en" / "LC_MESSAGES" / "messages.po"
    said, english = sentences(options.pages), _read(path)
    if options.update:
        _write(path, said, english)
    missing = untranslated(said, english)
    for line in missing:
        print(f"no English yet: {line}", file=sys.stderr)
    if not missing:
        print("Every sentence has its English.")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
