"""A bar on the terminal while sound is worked on; Ctrl-C cancels, and nothing is stored then."""

import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Final, Self, TextIO

_WIDTH: Final = 30


class Bar:
    """To be entered around long work: called with the share done, asked whether it is cancelled.

    Draws only on a terminal; a second Ctrl-C ends the program at once.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._shown = ""
        self._stopped = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)
        self._draw(" " * len(self._shown))

    def __call__(self, share: float) -> None:
        full = round(share * _WIDTH)
        self._draw(f"[{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%}")

    def cancelled(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._stopped

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True
        signal.signal(signal.SIGINT, self._before)

    def _draw(self, text: str) -> None:
        if not self._out.isatty() or text == self._shown:
            return
        self._shown = text
        self._out.write(f"\r{text}\r" if not text.strip() else f"\r{text}")
        self._out.flush()
