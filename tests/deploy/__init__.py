"""Tests of deploy/: units, broker configuration, certificates, installers, first boot."""
