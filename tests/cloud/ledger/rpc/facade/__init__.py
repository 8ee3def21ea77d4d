"""The embedded ledger shown as a Solana node with an index (DAS), faults included.

    with running(database.app_url) as facade:          # a process of its own
        facade.fault("sendTransaction", "deaf")        # it lands, and nobody is told
        facade.later(61)                               # seconds go by

`node.py` speaks as a validator's RPC does, `index.py` as Metaplex's DAS does, `app.py` is the HTTP
of both, and `faults.py` says what can go wrong. `python -m tests.cloud.ledger.rpc.facade DATABASE`
prints its address; `POST /faults` takes what `Facade.fault` sends.
"""
