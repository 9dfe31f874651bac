"""What is due where: programmes and clip versions, rules made airings, what is withheld."""
