"""The passwords of a server's users: made once, in a file that only we may read."""

import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cloud.embedded.failed import ServerFailed
from cloud.embedded.files import write_private

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Passwords:
    """`path`: a JSON object of users and passwords. Used by the folder's owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, str] = {}

    def load(self) -> None:
        """Read the file, if there is one; raise `ServerFailed` if others may have read it."""
        try:
            with self._path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read()
        except FileNotFoundError:
            return
        if mode & OTHERS:
            raise ServerFailed(
                "passwords_exposed",
                f"Others may read {self._path} ({stat.S_IMODE(mode):04o}): chmod 600 it.",
            )
        self._kept = _parsed(self._path, content)

    def __contains__(self, user: str) -> bool:
        return user in self._kept

    def of(self, user: str) -> str:
        """Return a user's password, made now if there is none."""
        if user not in self._kept:
            made = self._kept | {user: secrets.token_urlsafe(24)}
            write_private(self._path, json.dumps(made, indent=1).encode())
            self._kept = made
        return self._kept[user]


def _parsed(path: Path, content: bytes) -> dict[str, str]:
    try:
        kept = json.loads(content)
    except ValueError:
        kept = None
    if not isinstance(kept, Mapping) or not all(isinstance(each, str) for each in kept.values()):
        raise ServerFailed("passwords_lost", f"{path} is damaged: restore it from a backup.")
    return dict(kept)
