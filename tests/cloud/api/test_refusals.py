"""The catalogue and the code: each refusal is explained, each explanation is of a refusal."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cloud.accounts.passwords import Refusal as PasswordRefusal
from cloud.http.catalogue import CATALOGUE
from cloud.http.problems import BY_STATUS

CLOUD: Final = Path(__file__).parents[3] / "cloud"
SHARED: Final = CLOUD.with_name("shared")  # whose errors have codes of their own


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Yield each module of the cloud, and of what it stands on."""
    for path in sorted([*CLOUD.rglob("*.py"), *SHARED.rglob("*.py")]):
        yield path, ast.parse(path.read_text())


def refused() -> dict[str, str]:
    """Return the codes that `Refusal(…)` is written with, and where."""
    found: dict[str, str] = {}
    for path, tree in trees():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "Refusal" and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found[part.value] = f"{path.relative_to(CLOUD.parent)}:{part.lineno}"
    return found


def words() -> set[str]:
    """Return every text that stands anywhere but in the catalogue."""
    return {
        node.value
        for path, tree in trees()
        if path.name != "catalogue.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_refusal_is_in_the_catalogue() -> None:
    """A code without a row would be answered by a 500."""
    found = refused()
    assert len(found) > 50
    assert {code: place for code, place in found.items() if code not in CATALOGUE} == {}


def test_every_row_of_the_catalogue_is_used() -> None:
    """By a refusal, by name in a table, or by the framework's own errors."""
    known = words() | set(BY_STATUS.values())
    assert sorted(CATALOGUE.keys() - known) == []


@pytest.mark.parametrize("code", list(PasswordRefusal))
def test_every_reason_against_a_password_is_in_the_catalogue(code: PasswordRefusal) -> None:
    """They are raised by value."""
    assert CATALOGUE[code.value].status == 400


def test_sentences_are_sentences() -> None:
    """They begin large, end with a full stop and fit on a phone."""
    wrong = [
        code
        for code, entry in CATALOGUE.items()
        if not (entry.sentence[0].isupper() and entry.sentence.endswith(".")
                and len(entry.sentence) <= 90 and 400 <= entry.status < 600)
    ]  # fmt: skip
    assert wrong == []
