"""Rules of time, pure: no database, no clock of their own. Local wall time exists only here."""
