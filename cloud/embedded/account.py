"""Whom a server runs as."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud.embedded.failed import ServerFailed


@dataclass(frozen=True)
class Account:
    """`switch`: whether we are somebody else, who has to become it."""

    uid: int
    gid: int
    switch: bool

    @property
    def identity(self) -> dict[str, Any]:
        """What `subprocess` needs to become this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for(folder: Path, data: Path) -> Account:
    """Return ourselves or, for root, who owns `data` or `folder`, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    owners = [path.stat().st_uid for path in (data, folder) if path.exists()]
    owner = next((uid for uid in owners if uid != 0), None)
    try:
        user = pwd.getpwnam("nobody") if owner is None else pwd.getpwuid(owner)
    except KeyError:
        name = "nobody" if owner is None else owner
        raise ServerFailed(
            "no_account",
            f"Servers don't run as root, and there is no user {name}: "
            f"give {folder} to the user who shall run them.",
        ) from None
    return Account(user.pw_uid, user.pw_gid, switch=True)
