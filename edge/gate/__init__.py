"""What this device decides: trust, posts, staff, and the scan path."""
