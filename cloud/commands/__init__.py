"""What an operator does, one command each."""
