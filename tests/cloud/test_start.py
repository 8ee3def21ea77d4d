"""What a start must not do, and what two of them at once must not spoil."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

from cloud.db.migrate import migrations
from cloud.parts import version
from tests.cloud.database import OWNER_PASSWORD, Database, drop, url
from tests.cloud.service import MASTER_KEY

MIGRATORS: Final = 4
END: Final = 120  # seconds


def started(command: str, database: Database, address: str) -> "subprocess.Popen[str]":
    """Start a command with settings of its own."""
    told = {
        "USHER_DATABASE_URL": address,
        "USHER_OWNER_URL": database.owner_url,
        "USHER_REDIS_URL": "redis://127.0.0.1:1",
        "USHER_PAYMENTS_URL": "http://127.0.0.1:1",
        "USHER_PAYMENTS_KEY": "sk",
        "USHER_WEBHOOK_SECRETS": "whsec",
        "USHER_MASTER_KEY": MASTER_KEY,
        "USHER_LISTEN": "127.0.0.1:0",
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
    return subprocess.Popen(
        [sys.executable, "-m", "cloud", command],
        env=ours | told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def empty(template: str) -> Iterator[Database]:
    """A database of the owner's without any table."""
    made = Database(template, "usher_empty")
    made_by = Database(template, "postgres")
    made_by.run('CREATE DATABASE "usher_empty" TEMPLATE template0 OWNER usher_owner')
    yield made
    drop(made)


@pytest.mark.parametrize("command", ["serve", "work"])
@pytest.mark.parametrize("role", ["superuser", "owner"])
def test_a_role_that_passes_by_the_walls_starts_nothing(
    database: Database, command: str, role: str
) -> None:
    """Neither a superuser nor the owner of the tables; it is told which role to use."""
    address = database.root_url if role == "superuser" else database.owner_url
    with started(command, database, address) as process:
        _, said = process.communicate(timeout=END)
    assert process.returncode == 2
    assert "usher_app" in said
    assert "Traceback" not in said


def test_several_migrators_at_once_make_one_database(empty: Database) -> None:
    """Each ends well; every migration was applied once."""
    address = url(empty.superuser, "usher_owner", OWNER_PASSWORD, empty.name)
    processes = [started("migrate", empty, address) for _ in range(MIGRATORS)]
    for process in processes:
        with process:
            _, said = process.communicate(timeout=END)
            assert process.returncode == 0, said
    applied = [row["number"] for row in empty.rows("SELECT number FROM migration ORDER BY number")]
    assert applied == [each.number for each in migrations()]


@pytest.mark.parametrize("command", ["serve", "work"])
@pytest.mark.parametrize("key", [{"MASTER_KEY": "zz"}, {"MASTER_KEY_FILE": "nowhere.key"}])
def test_a_key_that_is_none_is_told_before_anything_starts(
    tmp_path: Path, command: str, key: dict[str, str]
) -> None:
    """In a sentence, with no server begun; the key is not repeated."""
    told = {"USHER_DATA": str(tmp_path / "data"), "USHER_LISTEN": "127.0.0.1:0"}
    told |= {f"USHER_{name}": value for name, value in key.items()}
    ours = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
    done = subprocess.run(
        [sys.executable, "-m", "cloud", command],
        env=ours | told, capture_output=True, text=True, timeout=END, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "master key" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert "zz" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_checkout_says_of_which_version_it_is() -> None:
    """The project's, told apart from a release."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert version() == f"{project['version']}+checkout"


def test_what_is_installed_says_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its wheel has it."""
    monkeypatch.setattr(metadata, "version", lambda name: f"{name} 9")
    assert version() == "usher 9"
