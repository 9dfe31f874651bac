"""Golden messages: what travels, byte for byte. `make` writes them and a test compares."""
