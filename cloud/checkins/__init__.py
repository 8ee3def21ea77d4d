"""Check-ins: online scanning, gates' logs, and what both mean together."""
