"""Keys and certificates: what signs, seals and proves, and the second signer. Knows no rows."""
