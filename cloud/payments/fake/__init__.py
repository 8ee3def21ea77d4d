"""A Stripe of our own, for the demo and the tests: `python -m cloud.payments.fake --port 0`.

It speaks as much of Stripe's API as we use, to Stripe's own client: payment intents, charges,
refunds, test cards, events, idempotency keys, signed webhooks. It keeps all of it in one SQLite
file, each request in one transaction, so that it is killed at any point and goes on. What Stripe
does rarely it does on demand: see `control.py`. It moves no money and is no payment provider.

What differs from Stripe: test cards keep their ids where Stripe makes a new one of each; cards
are the only way to pay; amounts are charged at once; nothing is ever disputed.
"""
