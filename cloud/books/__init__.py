"""The double-entry ledger: what was earned, what is owed to whom, what the provider holds."""
