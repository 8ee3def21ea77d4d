"""PostgreSQL's data: made by initdb, whole or not at all, and of one major version."""

import os
import re
import shutil
import signal
from pathlib import Path
from typing import Final

from cloud.embedded.account import Account
from cloud.embedded.failed import ServerFailed, no_space, written_at
from cloud.embedded.files import sync_folder
from cloud.embedded.home import Home
from cloud.embedded.kept import Signals, halt
from cloud.embedded.leftovers import clear
from cloud.embedded.programs import copy_for_all, runs

SUPERUSER: Final = "postgres"
AT_ONCE: Final = Signals(signal.SIGKILL, signal.SIGKILL)
BUILTIN_LOCALES: Final = 17  # the first with locales that no system upgrade changes
PATIENCE: Final = 300.0  # seconds for initdb on a slow disk
NEEDED: Final = 64_000_000  # bytes of new data, and its first WAL
WHEEL: Final = ("pginstall/bin", "pginstall/lib", "pginstall/share")


def usable(programs: Path, account: Account) -> tuple[Path, int]:
    """Return the `bin` folder that `account` can run programs of, and their major version."""
    if not (programs / "initdb").exists():
        raise ServerFailed("no_programs", f"There is no PostgreSQL in {programs}.")
    if (major := _major(programs, account)) is not None:
        return programs, major
    package = programs.parent.parent
    if programs.parent.name == "pginstall":
        parts = [f"{package.name}/{part}" for part in WHEEL]
        copied = copy_for_all(package.parent, [*parts, f"{package.name}.libs"])
        programs = copied / package.name / "pginstall" / "bin"
        if (major := _major(programs, account)) is not None:
            return programs, major
    raise ServerFailed(
        "programs_unreadable", f"User {account.uid} can't run the programs in {programs}."
    )


def _major(programs: Path, account: Account) -> int | None:
    said = runs(programs / "initdb", account) or ""
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else None


def ensure(home: Home, programs: Path, account: Account, major: int, *, durable: bool) -> None:
    """Have data of this major version, made now if there is none."""
    if not home.data.exists():
        _make(home, programs, account, major, durable=durable)
    _check_version(home, major)
    if SUPERUSER not in home.passwords:
        raise ServerFailed(
            "passwords_lost",
            f"{home.folder / 'passwords'} is gone: restore it, or move {home.data} away.",
        )
    for stale in (home.data / "postmaster.pid", *home.data.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)  # nothing lives here: its number may be another's by now


def _check_version(home: Home, major: int) -> None:
    try:
        found = (home.data / "PG_VERSION").read_text("utf-8").strip()
    except FileNotFoundError:
        raise ServerFailed("no_database", f"{home.data} holds no PostgreSQL data.") from None
    if found != str(major):
        raise ServerFailed(
            "wrong_version",
            f"The data in {home.folder} is PostgreSQL {found}'s, and this is PostgreSQL {major}. "
            f"Start it with the programs of {found}, save it with pg_dumpall, and restore that "
            "into a new folder.",
        )


def _make(home: Home, programs: Path, account: Account, major: int, *, durable: bool) -> None:
    if shutil.disk_usage(home.folder).free < NEEDED:  # else initdb can't even say what it lacks
        raise no_space(home.folder)
    draft = home.folder / "data.new"
    clear(draft, home.program, PATIENCE)  # what initdb started, and did not live to stop
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account.own(draft)
    secret = os.memfd_create("password")  # initdb reads a file, and this one has no name
    try:
        os.write(secret, home.passwords.of(SUPERUSER).encode())
        options = [f"--pwfile=/proc/self/fd/{secret}", *_options(major, durable=durable)]
        done = home.launch(
            programs / "initdb",
            lambda folder: [f"--pgdata={folder}", *options],
            AT_ONCE,
            account,
            folder=draft,
            descriptors=[secret],
        )
        try:
            code = done.wait(PATIENCE)
        finally:
            halt(done, (), PATIENCE)
    finally:
        os.close(secret)
    if code != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise home.failure()
    with written_at(home.folder):
        draft.rename(home.data)
        sync_folder(home.folder)


def _options(major: int, *, durable: bool) -> list[str]:
    return [
        f"--username={SUPERUSER}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        *(["--locale-provider=builtin"] if major >= BUILTIN_LOCALES else []),
        *(["--data-checksums"] if durable else ["--no-sync"]),
    ]
