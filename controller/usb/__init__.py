"""The road without a network: schedules, clip packs and logs on a stick."""
