"""The node's fixtures, for tests that break it."""

from tests.device.conftest import broker, controller, node
from tests.faults.shim import shim, shim_library

__all__ = ["broker", "controller", "node", "shim", "shim_library"]
