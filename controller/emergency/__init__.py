"""What is over everything: emergencies, ready-made messages, orders to nodes, standing states."""
