"""What survives a power cut: one SQLite file, and a mirror of the log."""
