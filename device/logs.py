"""The last lines of the node's log, kept in memory for whoever asks by a signed command."""

import logging
from collections import deque

LINES = 300


class RecentLines(logging.Handler):
    """Keeps the newest lines; nothing is written anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))

    def tail(self, count: int) -> str:
        """The newest `count` lines."""
        return "\n".join(list(self._lines)[-count:]) if count > 0 else ""
