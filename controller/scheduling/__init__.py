"""What officials do with broadcasts: draft, check, save, propose, approve, move, copy, catch up."""
