"""How commands speak: to people on standard error, with a sentence and a code to exit with.

Exit codes: 1 for what went wrong, 2 for what was asked wrongly, as click has it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import asyncpg
from rich.console import Console

from cloud.embedded.failed import ServerFailed
from cloud.errors import Refusal
from cloud.http.catalogue import CATALOGUE
from cloud.settings import Settings, Unfit, read

# Names and keys are other people's: nothing in them is markup.
CONSOLE: Final = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
OUT: Final = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
FAILED: Final = 1
WRONG: Final = 2
INTERRUPTED: Final = 130


def settings_of(file: Path | None) -> Settings:
    """Return the settings, or end the command with the sentence that says what is wrong."""
    try:
        return read(file, os.environ)
    except Unfit as unfit:
        fail(str(unfit), WRONG)


@contextmanager
def plainly() -> Iterator[None]:
    """Say in a sentence what a command could not do, and end it."""
    try:
        yield
    except Unfit as unfit:
        fail(str(unfit), WRONG)
    except ServerFailed as failed:
        fail(failed.sentence)
    except Refusal as refusal:
        fail(_refused(refusal))
    except (
        asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError,
    ) as error:  # fmt: skip
        fail(_away(error))
    except KeyboardInterrupt:
        fail("Interrupted.", INTERRUPTED)


def fail(sentence: str, code: int = FAILED) -> NoReturn:
    """Say what is wrong, and end."""
    CONSOLE.print(sentence, style="red")
    sys.exit(code)


def _refused(refusal: Refusal) -> str:
    more = "".join(f" ({name}: {value})" for name, value in refusal.facts.items())
    return CATALOGUE[refusal.code].sentence + more


def _away(error: Exception) -> str:
    """Return why the database can't be used. The server's own words have no address in them."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "The database refuses the password or the user: look at database_url."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "There is no such database: `usher-cloud admin roles` says how to make it."
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedFunctionError):
        return "The database is not migrated: run `usher-cloud migrate` first."
    if isinstance(error, asyncpg.PostgresError):
        return f"The database refused: {type(error).__name__}."
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"The database can't be reached ({reason}): is it running, is database_url right?"
