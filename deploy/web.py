"""`loalang web`: the pages under gunicorn, one process of 32 threads.

Threads, because each open page holds a stream of events; one process, because they share its
reader of changes. gunicorn's control socket stays off: nothing here writes into a home folder.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from controller.accounts import second_factor
from controller.database import transaction
from controller.errors import ControllerError
from controller.schema import require_current
from controller.services import open_services
from controller.settings import Settings, SettingsError, load

THREADS = 32


class Pages(BaseApplication):
    """gunicorn with our options; the application is made inside the worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            # Older gunicorns have no control socket to switch off.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from web.app import create_app

        return create_app(self._settings)


def options(settings: Settings) -> dict[str, Any]:
    """gunicorn's options, by name."""
    return {
        "bind": settings.bind,
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 60,
        # Streams of events never end by themselves: do not wait for them when stopping.
        "graceful_timeout": 3,
        "keepalive": 5,
        "worker_tmp_dir": str(settings.temporary_dir),
        "control_socket_disable": True,
        "proc_name": "loalang-web",
        "errorlog": "-",
        "loglevel": "warning",
    }


def main(arguments: list[str]) -> int:
    """Serve until a signal; `check-config` prints the effective settings instead."""
    parser = argparse.ArgumentParser(prog="loalang web", description="The pages only.")
    parser.add_argument("action", nargs="?", choices=["check-config"])
    parser.add_argument("--config", type=Path, help="TOML file")
    asked = parser.parse_args(arguments)
    try:
        settings = load(os.environ, asked.config)
        if asked.action:
            print("\n".join(f"{name} = {value}" for name, value in settings.masked().items()))
            return 0
        _check(settings)
    except SettingsError as mistakes:
        print(mistakes.sentence(_language()), file=sys.stderr)
        return 2
    except ControllerError as error:
        print(error.sentence(_language()), file=sys.stderr)
        return 1
    Pages(settings).run()
    return 0


def _check(settings: Settings) -> None:
    # Here and not in the worker, whose failure gunicorn would only call "failed to boot".
    services = open_services(settings)
    try:
        require_current(services.engine)
        with transaction(services.engine) as session:
            second_factor.lock_all(session, settings.factor_box)
    finally:
        # The worker is a fork and opens connections of its own.
        services.engine.dispose()


def _language() -> str:
    chosen = (os.environ.get(name) for name in ("LOALANG_LANGUAGE", "LC_ALL", "LANG"))
    return "vi" if next((text for text in chosen if text), "").startswith("vi") else "en"
