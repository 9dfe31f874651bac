"""Sound in, playable sound out; no database, no web, no MQTT."""
