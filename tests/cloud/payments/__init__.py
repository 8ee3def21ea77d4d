"""The payment provider: our client, its webhooks, and the fake, against real processes."""
