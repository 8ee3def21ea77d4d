"""What can go wrong between a gate and the cloud. None of it stops a scan.

What is signed and wrong raises `shared.errors.UsherError` where it is judged.
"""

from typing import Final

LONGEST_WAIT: Final = 300.0  # seconds that the cloud may ask for


class Failure(Exception):
    """Base of the three. `code` is for logs and for words on a screen."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Away(Failure):
    """Nobody answered, not in time, or somebody who isn't the cloud."""


class Garbled(Failure):
    """The answer is larger than any of ours, cut off, or not in its form."""


class Denied(Failure):
    """The cloud refused. `wait`: seconds that it asks for; `server_ms`: its time, unsigned."""

    def __init__(self, status: int, code: str, wait: float = 0.0, server_ms: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.wait = min(wait, LONGEST_WAIT)
        self.server_ms = server_ms
