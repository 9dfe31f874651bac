"""Real servers for tests: a mosquitto and a PostgreSQL of one's own, and a way to wait."""
