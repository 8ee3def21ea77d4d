"""The kernel: access, transactions, idempotency, problems, limits."""
