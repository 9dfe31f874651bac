"""The guide for the office wall: docs/huong-dan.md as one page of PDF, printed by Chromium.

`make guide` writes build/huong-dan.pdf. A small reader of Markdown of our own is enough for a page
of headings, lists and a table; what it does not know, it refuses rather than drops.
"""

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "huong-dan.md"
TARGET = ROOT / "build" / "huong-dan.pdf"

_STYLE = """
@page { size: A4; margin: 11mm 13mm; }
body { font: 10.4pt/1.36 Inter, "Noto Sans", sans-serif; color: #16212a; margin: 0; }
h1 { font-size: 17pt; margin: 0 0 2mm; color: #0d4f6c; }
h2 { font-size: 12pt; margin: 3.2mm 0 1mm; color: #0d4f6c; border-bottom: 1px solid #b9c6cf; }
p, ul, ol { margin: 0 0 1.2mm; } ul, ol { padding-left: 6mm; } li { margin-bottom: .6mm; }
table { width: 100%; border-collapse: collapse; margin-bottom: 2mm; }
th, td { text-align: left; padding: .8mm 2mm; border: 1px solid #b9c6cf; vertical-align: top; }
"""


_MARK = re.compile(r"^(\d+\. |- )")


def page(text: str) -> str:
    """The whole document as HTML."""
    body = "\n".join(_blocks(text.strip().splitlines()))
    return f'<!doctype html><html lang="vi"><meta charset="utf-8"><style>{_STYLE}</style>{body}'


def _blocks(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif heading := re.fullmatch(r"(#{1,3}) (.+)", line):
            level = len(heading[1])
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            at += 1
        elif line.startswith("|"):
            rows, at = _taken(lines, at, r"\|.*")
            yield _table(rows)
        elif re.match(r"\d+\. |- ", line):
            items, at = _taken(lines, at, r"(\d+\. |- ).*")
            tag = "ul" if line.startswith("- ") else "ol"
            said = [_inline(_MARK.sub("", each)) for each in items]
            inner = "".join(f"<li>{each}</li>" for each in said)
            yield f"<{tag}>{inner}</{tag}>"
        else:
            yield f"<p>{_inline(line)}</p>"
            at += 1


def _taken(lines: list[str], at: int, pattern: str) -> tuple[list[str], int]:
    """The lines from here on that match, and where they end."""
    end = at
    while end < len(lines) and re.fullmatch(pattern, lines[end]):
        end += 1
    return lines[at:end], end


def _table(rows: list[str]) -> str:
    cells = [[_inline(cell.strip()) for cell in row.strip("|").split("|")] for row in rows]
    head = "".join(f"<th>{cell}</th>" for cell in cells[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells[2:]
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _inline(text: str) -> str:
    if "](" in text or "`" in text:
        raise ValueError(f"the guide's reader does not know this: {text}")
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text, quote=False))


def write(source: Path = SOURCE, target: Path = TARGET) -> int:
    """Print it; returns the number of pages."""
    from playwright.sync_api import sync_playwright

    target.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        sheet = browser.new_page()
        sheet.set_content(page(source.read_text(encoding="utf-8")))
        sheet.pdf(path=target, prefer_css_page_size=True)
        browser.close()
    return len(re.findall(rb"/Type\s*/Page\b", target.read_bytes()))


def main() -> int:
    pages = write()
    print(f"{TARGET.relative_to(ROOT)}: {pages} page(s)")
    return 0 if pages == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
