"""The brain: areas, clips, schedules, approvals, airings, what was played, and the API."""
