"""The `Chain` by Solana's JSON-RPC and an index's (DAS), over HTTP.

    async with connected(("https://a…", "https://b…"), breakers=breakers) as chain:
        ledger = SigningLedger(chain, signer, parties, Schema.V2)

`endpoint.py` asks one node: an answer is capped in size and time, and one that is not in its form
is no answer. `endpoints.py` asks several: any of them, or all where a lie would cost a ticket.
`answers.py` and `index.py` read what they say, `words.py` how they write keys, bytes and errors.
Nothing that an index says is believed here or above (`proving.py`).
"""
