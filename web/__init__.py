"""The pages officials and technicians use."""
