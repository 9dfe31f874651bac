"""The service's desk: rows into signed documents, states and commands, ready for the broker."""
