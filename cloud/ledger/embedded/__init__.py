"""The ledger inside the service: it executes the transactions that Solana would.

`bank.py` is the pure engine: a transaction and a slot in, changed accounts and events out.
`store.py` keeps what it says in PostgreSQL, and `chain.py` is the `Chain` of both.
"""
