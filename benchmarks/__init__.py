"""Speed and memory of the protocol core, against the raw operations it is made of."""
