"""By the clock, and for administrators: housekeeping, alerts, diagnosis, backups."""
