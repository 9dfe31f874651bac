"""The areas: the tree, what each inherits, and where silence was ordered."""
