"""The pages officials and technicians use; start reading at `web.app`."""
