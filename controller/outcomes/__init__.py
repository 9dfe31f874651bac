"""What became of each airing on each node, and the sheets and words made of it."""
