"""The player: a process of its own that puts each frame on the wire at its instant."""
