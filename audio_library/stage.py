"""One step of a pipeline in a thread of its own, with a short queue before it."""

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
_WAITING = 4  # blocks of a second: enough to even out, little to hold


class Stage(Generic[Item]):
    """Calls `work` with each item put in, in order. An error inside is raised by put and finish."""

    def __init__(self, work: Callable[[Item], object]) -> None:
        self._work = work
        self._queue: queue.Queue[tuple[Item] | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def put(self, item: Item) -> None:
        """Wait for room, then hand the item over."""
        self._raise()
        self._queue.put((item,))

    def finish(self) -> None:
        """Wait until all items are worked off."""
        self._queue.put(None)
        self._thread.join()
        self._raise()

    def _run(self) -> None:
        while (waiting := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._work(waiting[0])
                except BaseException as error:  # handed to the thread that waits for us
                    self._error = error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
