"""Who stops the ledger: at the first difference, and for good, with a report in a file."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.transaction import Parsed
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.embedded.bank import Executed
from cloud.ledger.faults import LedgerAway, LedgerFault
from cloud.ledger.rehearsal.comparing import Difference, differences
from cloud.ledger.rehearsal.programs import read_programs
from cloud.ledger.rehearsal.stage import Stage

LOG = structlog.get_logger("usher.ledger")
REPORTS: Final = "reports"


class Report(Struct, frozen=True):
    """A transaction that the programs execute otherwise, with the accounts before it."""

    signature: str
    slot: int
    transaction: str  # in base 64
    differences: list[Difference]
    before: dict[str, tuple[str, int, str]]  # owner, lamports, data in base 64


class Watch:
    """Called with each transaction that the embedded ledger is about to write.

    Raises `LedgerAway` ("rehearsal_differs") at a difference and ever after: nothing is written,
    and what waits goes on waiting. Started anew, it stops at the same transaction.
    """

    def __init__(self, stage: Stage, reports: Path) -> None:
        self._stage = stage
        self._reports = reports
        self._stopped: Path | None = None
        self.seen = 0

    def __call__(
        self, transaction: Parsed, before: Mapping[Pubkey, Held], slot: int, executed: Executed
    ) -> None:
        """Execute it on the stage too."""
        if self._stopped is None:
            staged = self._stage.run(transaction, before, slot)
            found = differences(before, executed, staged)
            if not found:
                self.seen += 1
                return
            self._stopped = self._write(transaction, before, slot, found)
            LOG.error("rehearsal_differs", report=str(self._stopped))
        raise LedgerAway("rehearsal_differs", f"the programs did otherwise: see {self._stopped}")

    def _write(
        self,
        transaction: Parsed,
        before: Mapping[Pubkey, Held],
        slot: int,
        found: list[Difference],
    ) -> Path:
        named = {meta.key for call in transaction.calls for meta in call.metas}
        named.add(transaction.payer)
        report = Report(
            str(transaction.signature),
            slot,
            b64encode(transaction.raw).decode(),
            found,
            {
                str(key): (str(held.owner), held.lamports, b64encode(held.data).decode())
                for key in named
                if (held := before.get(key)) is not None
            },
        )
        file = self._reports / f"rehearsal-{report.signature}.json"
        self._reports.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
        return file


def watched(folder: Path) -> Watch:
    """Return a watch by the programs in *folder*, whose reports go into a folder there.

    Raises `LedgerFault`, and says why in the log: without its programs nothing is rehearsed.
    """
    try:
        return Watch(Stage(read_programs(folder)), folder / REPORTS)
    except LedgerFault as fault:
        LOG.error("rehearsal_programs", fault=fault.detail)
        raise
