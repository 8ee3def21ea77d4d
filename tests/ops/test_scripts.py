"""What the playbooks put on a machine's disk to be run by hand or by its services, run here."""

import subprocess
from pathlib import Path
from typing import Final

from tests.ops.variables import ANSIBLE

KEEP: Final = ANSIBLE / "roles" / "database" / "templates" / "usher-keep"


def _keeps(wal: Path, kept: Path) -> bool:
    return subprocess.run(["sh", KEEP, wal, kept], check=False).returncode == 0


def test_wal_is_kept_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    """PostgreSQL asks again after a crash: a refusal then would hold up all that comes later."""
    wal, kept = tmp_path / "wal", tmp_path / "kept"
    wal.write_bytes(b"changes")
    (tmp_path / "kept.part").write_bytes(b"chan")  # of one that was broken off
    assert _keeps(wal, kept)
    assert _keeps(wal, kept)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {
        "wal": b"changes",
        "kept": b"changes",
    }


def test_no_other_wal_is_written_over(tmp_path: Path) -> None:
    """Another cluster's, say, whose folder this is by mistake; and what can't be read is told."""
    wal, kept = tmp_path / "wal", tmp_path / "kept"
    wal.write_bytes(b"changes")
    kept.write_bytes(b"others'")
    assert not _keeps(wal, kept)
    assert kept.read_bytes() == b"others'"
    assert not _keeps(tmp_path / "nothing", tmp_path / "new")
    assert not (tmp_path / "new").exists()
