"""Changes to the areas, which what is planned must follow: edits, imports, merges and splits."""
