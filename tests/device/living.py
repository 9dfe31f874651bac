"""A silent node in the test's own process, on a loop the test turns."""

from device.loop import Loop
from device.node import Equipment, Node


class Living:
    """A silent node on a loop of its own, run until something is true."""

    def __init__(self, settings, clock=None, **equipment):
        self.loop = Loop()
        silent = Equipment(silent=True, boot_id="b", **equipment)
        self.node = Node(self.loop, settings, equipment=silent, clock=clock)
        self.node.start()

    def until(self, condition, seconds=15.0):
        deadline = self.loop.monotonic() + seconds
        while not condition():
            assert self.loop.monotonic() < deadline, "what was waited for did not happen"
            self.loop.turn(0.05)

    def end(self):
        self.node.stop()
        self.loop.close()
        return self.loop.failures
