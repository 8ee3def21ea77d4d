"""How commands speak to the person at the keyboard."""

import sys
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console

from edge.settings import BadSettings, Settings, read_settings

console: Final = Console()


def fail(message: str) -> NoReturn:
    """End with a sentence that says what to do."""
    console.print(f"[bold red]✖[/] {message}", highlight=False)
    sys.exit(1)


def settings_of(path: Path) -> Settings:
    """Return the settings, or say what is wrong with the file."""
    try:
        return read_settings(path)
    except BadSettings as error:
        fail(str(error))
