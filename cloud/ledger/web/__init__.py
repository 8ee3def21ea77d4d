"""What people see of the ledger: organizers and fans over the API, and anybody on a page."""
