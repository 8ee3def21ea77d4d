"""`python -m cloud.ledger.rehearsal FOLDER`: do the programs in FOLDER as we do?

Each file is ADDRESS.so, as `solana program dump ADDRESS ADDRESS.so` writes it. Ends with 0 if all
was the same, with 1 and a report in FOLDER/reports at the first difference, with 2 if the folder
can't be used.
"""

import sys
from pathlib import Path
from typing import Final

from cloud.ledger.faults import LedgerAway, LedgerFault
from cloud.ledger.rehearsal.life import rehearse
from cloud.ledger.rehearsal.programs import read_programs
from cloud.ledger.rehearsal.stage import Stage
from cloud.ledger.rehearsal.watch import REPORTS, Watch

SAME, OTHER, UNFIT = 0, 1, 2
USAGE: Final = "usage: python -m cloud.ledger.rehearsal FOLDER"


def main(arguments: list[str]) -> int:
    """Rehearse, and say how it went."""
    if len(arguments) != 1:
        return _say(USAGE, UNFIT)
    folder = Path(arguments[0])
    try:
        watch = Watch(Stage(read_programs(folder)), folder / REPORTS)
        sent = rehearse(watch)
    except LedgerAway as stopped:
        return _say(stopped.detail, OTHER)
    except LedgerFault as fault:
        return _say(fault.detail, UNFIT)
    return _say(f"{watch.seen} of {sent} transactions: the programs did the same.", SAME)


def _say(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
