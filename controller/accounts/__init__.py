"""Who may do what: people, their roles in areas, how they prove themselves, and what they did."""
