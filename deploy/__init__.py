"""What puts the parts on machines: commands, units, broker configuration, certificates."""
