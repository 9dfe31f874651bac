"""When an airing is due on one node: its start, shifted by the node's stagger slot."""

from datetime import datetime, timedelta

from controller.models import Airing, Node


def planned_at(airing: Airing, node: Node) -> datetime:
    """The instant at which `node` should begin `airing`."""
    return airing.starts_at + timedelta(milliseconds=node.stagger_slot * airing.stagger_step_ms)
