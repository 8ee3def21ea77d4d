"""Is this gate fit to open: one file per check."""
