"""Started by an ordinary user, servers run as that user."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cloud.embedded.account import Account
from tests.cloud.embedded.starting import ROOT

NOBODY: Final = 65534
PACKAGES: Final = Path(pytest.__file__).parents[1]
SCRIPT: Final = """
import os, sys
from pathlib import Path
from cloud.embedded.failed import ServerFailed
from cloud.embedded.postgres import Postgres
from cloud.embedded.valkey import Valkey
folder = Path(sys.argv[1])
for server in (Postgres(folder / "postgres", durable=False), Valkey(folder / "valkey")):
    try:
        with server.running():
            print(os.stat(f"/proc/{server.pid}").st_uid)
    except ServerFailed as failed:
        print(failed.code, failed)
"""


def as_user(*arguments: str) -> str:
    """Run the script as an ordinary user, by a Python that such a user may run."""
    account = Account(NOBODY, NOBODY, switch=os.geteuid() == 0)
    for python in (sys.executable, shutil.which("python3", path="/usr/bin") or sys.executable):
        try:
            done: subprocess.CompletedProcess[str] = subprocess.run(
                [python, "-c", SCRIPT, *arguments],
                capture_output=True,
                text=True,
                cwd="/",
                env={"PYTHONPATH": f"{ROOT}:{PACKAGES}"},
                check=True,
                **account.identity,
            )
        except PermissionError:
            continue
        except subprocess.CalledProcessError as error:
            if "SyntaxError" in error.stderr or "ImportError" in error.stderr:
                continue
            raise AssertionError(error.stderr) from error
        return done.stdout
    pytest.skip("no Python that an ordinary user may run")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of that user, where the user may walk to."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield Path(folder)


def test_servers_run_as_who_started_them(home: Path) -> None:
    """No privilege is needed."""
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    assert as_user(str(home)).splitlines() == [str(uid)] * 2
    assert (home / "postgres" / "passwords").stat().st_uid == uid


def test_a_folder_that_the_user_may_not_write_is_refused(home: Path) -> None:
    """The sentence names the folder."""
    (home / "mine").mkdir(mode=0o500)
    if os.geteuid() == 0:
        os.chown(home / "mine", NOBODY, NOBODY)
    lines = as_user(str(home / "mine")).splitlines()
    assert [line.split()[0] for line in lines] == ["not_writable"] * 2
    assert f"{home / 'mine'}" in lines[0]
