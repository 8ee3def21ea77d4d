"""How the ledger fails, by cause. Expected outcomes (a transaction that failed) are values.

- `LedgerMalformed`: bytes of an account, a proof, an event or an answer are not in their form.
- `LedgerUntrusted`: what was answered is contradicted by the tree's account or by its hashes.
- `LedgerRefused`: understood and impossible; asking again changes nothing.
- `LedgerAway`: no answer that can be relied on. **What was sent may have landed all the same.**
"""


class LedgerFault(Exception):
    """`code` is stable and goes to logs and metrics; `detail` is a sentence without secrets."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


class LedgerMalformed(LedgerFault):
    """Not in its declared form."""


class LedgerUntrusted(LedgerFault):
    """In form, and contradicted by what can be proved."""


class LedgerRefused(LedgerFault):
    """It can't be had."""


class LedgerAway(LedgerFault):
    """No usable answer. Resolve by signature before anything is signed anew.

    `wait`: seconds after which asking again makes sense; 0: nobody has said."""

    def __init__(self, code: str, detail: str = "", wait: float = 0.0) -> None:
        super().__init__(code, detail)
        self.wait = wait
