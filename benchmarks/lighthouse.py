"""Lighthouse (mobile, slow 4G, CPU ÷ 4) on every page, the median of three; the live stream is off.

    npm install --prefix /tmp/lh lighthouse@12
    LIGHTHOUSE=/tmp/lh/node_modules/.bin/lighthouse .venv/bin/python benchmarks/lighthouse.py
    … benchmarks/lighthouse.py hom-nay tuan     # these alone; names as in tests/browser

About half a minute a page; a busy machine lowers the performance figure. `?live=0` keeps a page
from opening its stream of events, which never ends and which Lighthouse would wait for. Pages that
answer with an error (khong-tim-thay) Lighthouse refuses to judge.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.live_pages import fill
from tests.browser.test_every_page import PAGES, address
from tests.web.streams import gunicorn

RUNS = 3
FLAGS = "--headless=new --no-sandbox --disable-dev-shm-usage"
CATEGORIES = ("performance", "accessibility", "best-practices")


class Site:
    """What `address` wants to know."""

    def __init__(self, pages):
        self.services, self.village = pages.services, pages.village


def main(names):
    with tempfile.TemporaryDirectory() as folder:
        filled = fill(Path(folder) / "filled")
        with gunicorn(filled, Path(folder) / "data") as (pages, _pid):
            print(f"{'page':24} perf  a11y  best  LCP ms   CLS    kB")
            for name in names or [*PAGES, "dang-nhap"]:
                print(line(name, pages, folder), flush=True)


def line(name, pages, folder):
    """One page's figures: the median run of each."""
    who, path = PAGES.get(name, ("", "/login"))
    path = address(Site(pages), path)
    path += ("&" if "?" in path else "?") + "live=0"
    runs = [audited(pages, who, path, Path(folder) / "report.json") for _ in range(RUNS)]
    if any(run.get("runtimeError") for run in runs):
        return f"{name:24} {runs[0]['runtimeError']['code']}"
    scores = [median(run["categories"][each]["score"] * 100 for run in runs) for each in CATEGORIES]
    lcp, shift, size = (
        median(run["audits"][each]["numericValue"] for run in runs)
        for each in ("largest-contentful-paint", "cumulative-layout-shift", "total-byte-weight")
    )
    shown = "".join(f"{score:4.0f}  " for score in scores)
    return f"{name:24} {shown}{lcp:6.0f}  {shift:5.3f}  {size / 1024:4.0f}"


def audited(pages, who, path, report):
    """Lighthouse's own report of one run."""
    command = [os.environ.get("LIGHTHOUSE", "lighthouse"), f"http://127.0.0.1:{pages.port}{path}"]
    command += ["--quiet", "--output=json", f"--output-path={report}", f"--chrome-flags={FLAGS}"]
    command += [f"--only-categories={','.join(CATEGORIES)}"]
    if who:
        command += [f"--extra-headers={json.dumps({'Cookie': pages.cookie(who)})}"]
    environ = {"CHROME_PATH": "/usr/bin/chromium", **os.environ}
    subprocess.run(command, env=environ, check=False, timeout=180)
    return json.loads(report.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
