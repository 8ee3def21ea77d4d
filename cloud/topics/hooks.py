"""Webhooks' own. It is made for one webhook, and so has no key."""

from cloud.topics.form import Told


class Test(Told, frozen=True):
    """Nothing: that it comes is all."""
