"""What a scene is told when it begins, and where it reads it."""

import sys
from pathlib import Path

import msgspec


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """An organizer's evening, as the gates' people know it."""

    folder: str  # of everything that the gates write
    way_out: str  # the Unix socket behind which the cloud is
    address: str  # of the cloud, inside and outside alike
    token: str  # of the organizer
    tenant: str
    event: str  # its id
    ref: str  # as gates and records name it
    single: tuple[str, ...]  # codes of tickets that let in once
    often: tuple[str, ...]  # codes of tickets that let out and in again
    seed: int = 0


def given() -> Brief:
    """Return the brief whose file is this program's argument."""
    return msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Brief)
