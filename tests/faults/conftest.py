"""The node's fixtures, for tests that break it."""

from tests.device.conftest import broker, controller, node

__all__ = ["broker", "controller", "node"]
