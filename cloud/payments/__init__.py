"""Money in and out: the payment provider, its webhooks, and the fake that stands in for it."""
