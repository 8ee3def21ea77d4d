"""The programs' files, by their addresses: `solana program dump ADDRESS FOLDER/ADDRESS.so`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.programs import BUBBLEGUM, CORE, PAIRS
from cloud.ledger.faults import LedgerMalformed, LedgerRefused

NEEDED: Final = (
    BUBBLEGUM,
    CORE,
    *(program for pair in PAIRS.values() for program in (pair.compression, pair.noop)),
)
ELF: Final = b"\x7fELF"
LARGEST: Final = 10 * 2**20  # bytes that a program's account may have


def read_programs(folder: Path) -> Mapping[Pubkey, bytes]:
    """Read all that are needed. Raises `LedgerRefused` for one that isn't there."""
    missing = [str(address) for address in NEEDED if not _file(folder, address).is_file()]
    if missing:
        raise LedgerRefused("rehearsal_programs", f"{folder} has no {'.so, '.join(missing)}.so")
    return {address: _read(_file(folder, address)) for address in NEEDED}


def _file(folder: Path, address: Pubkey) -> Path:
    return folder / f"{address}.so"


def _read(file: Path) -> bytes:
    if file.stat().st_size > LARGEST:
        raise LedgerMalformed("rehearsal_programs", f"{file.name} is larger than a program")
    data = file.read_bytes()
    if not data.startswith(ELF):
        raise LedgerMalformed("rehearsal_programs", f"{file.name} is no program (ELF)")
    return data
