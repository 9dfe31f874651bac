"""The node on the Pi: it keeps its own schedule and plays it with no link at all."""
