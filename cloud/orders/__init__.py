"""Orders: a hold, its payment, the tickets for it, and what is given back."""
