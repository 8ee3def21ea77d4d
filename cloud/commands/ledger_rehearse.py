"""`usher-cloud ledger rehearse`: do the programs in a folder as we do? It needs nothing else."""

from hashlib import sha256
from pathlib import Path

from cloud.commands.saying import OUT, WRONG, fail
from cloud.ledger.faults import LedgerAway, LedgerFault
from cloud.ledger.rehearsal.life import rehearse
from cloud.ledger.rehearsal.programs import read_programs
from cloud.ledger.rehearsal.stage import Stage
from cloud.ledger.rehearsal.watch import REPORTS, Watch


def run(folder: Path) -> None:
    """Rehearse in memory, and say with which files and how it went.

    It ends with 1 and a report at the first difference, with 2 if the folder can't be used.
    """
    try:
        programs = read_programs(folder)
        watch = Watch(Stage(programs), folder / REPORTS)
        for address, program in programs.items():
            OUT.print(f"{address} {sha256(program).hexdigest()}")
        sent = rehearse(watch)
    except LedgerAway as stopped:
        fail(stopped.detail)
    except LedgerFault as fault:
        fail(fault.detail, WRONG)
    OUT.print(f"{watch.seen} of {sent} transactions: the programs did the same.")
