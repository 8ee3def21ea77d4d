"""How a server fails to run: a code for programs, a sentence for the operator."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CAUSES: Final = {
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EROFS: "not_writable",
    errno.EACCES: "not_writable",
    errno.EPERM: "not_writable",
}


class ServerFailed(Exception):
    """A server can't run. Its text is `sentence`; codes are never renamed."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def no_space(folder: Path) -> ServerFailed:
    """The disk is full."""
    return ServerFailed("no_space", f"There is no space left on the disk of {folder}.")


def not_writable(folder: Path, reason: str) -> ServerFailed:
    """The folder can't be written."""
    return ServerFailed("not_writable", f"The folder {folder} can't be written: {reason}.")


@contextmanager
def written_at(folder: Path) -> Iterator[None]:
    """Say what the operating system refused to do with `folder`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if CAUSES.get(error.errno or 0) == "no_space":
            raise no_space(folder) from error
        if error.errno in CAUSES:
            raise not_writable(folder, reason) from error
        raise ServerFailed("folder_unusable", f"{folder} can't be used: {reason}.") from error
