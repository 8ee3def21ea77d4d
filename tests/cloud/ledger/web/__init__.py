"""What people see of the ledger."""
