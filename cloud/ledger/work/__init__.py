"""From tickets to assets: what the worker does with the ledger.

**Who owns what.** The ticket (cloud/tickets) says who has it and whether it is good. A row of
`asset` says what the ledger has of it, as told by events of transactions that landed. A row of
`ledger_job` is a transaction that was signed. A chain owns nothing of ours: what it says that we
did not do is a review, and nobody's admission.

**What drives it.** A message of the outbox (`told.py`) says that a ticket is to be looked at,
and nothing more. The worker compares what the ticket wants with what there is (`steps.py`), and
makes the one step between them: mint, thaw, transfer, freeze, burn. Lost, repeated or reordered
messages change nothing; a sweep finds what no message told.

**How a step is made** (`writer.py`). Under the event's advisory lock: build and sign; store bytes,
signature, last block height and data hashes with the claim of their tickets in one transaction
(`jobs.py`); send; resolve; store the outcome. `lifecycle.py` has every move of a job. A ticket is
in one open job at most, which the claim itself holds true, whatever becomes of the lock. Only a
job that can land no more, and whose leaves the tree's history has not, is signed anew.

Pure: `steps.py`, `lifecycle.py`, `planning.py`, `naming.py`. Trees are planned, with their cost,
before anything is spent.
"""
