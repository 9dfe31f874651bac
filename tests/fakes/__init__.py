"""Stand-ins that speak the real interfaces; each has levers only tests pull."""
