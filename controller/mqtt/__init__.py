"""The controller's side of MQTT: the link, what is said over it, and what comes in."""
