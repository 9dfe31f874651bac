"""The nodes: their places on the tree, their claims, their care, and who waits for whose echo."""
