"""Ask a database of advisories about every version that the locks pin.

    python -m scripts.audit        # or: make audit

Ends as 1 if one of them has a known hole. Where the database is out of reach it says so and ends
as 0: `tests/repository` holds the locks to requirements/advisories.toml everywhere.
"""

import re
import sys
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console

LOCKS: Final = Path(__file__).parents[1] / "requirements"
DATABASE: Final = "https://api.osv.dev/v1/querybatch"
PATIENCE: Final = httpx.Timeout(20, connect=5)
PIN: Final = re.compile(r"^([a-z0-9.-]+)==([\w.+]+)", re.M)


def pins() -> list[tuple[str, str]]:
    """Return each package and version of the locks, once."""
    return sorted({pin for lock in LOCKS.glob("*.txt") for pin in PIN.findall(lock.read_text())})


def holes(asked: list[tuple[str, str]], answer: Any) -> list[str]:
    """Return a line for each hole that the database knows of."""
    return [
        f"{name} {version}: {hole['id']}"
        for (name, version), result in zip(asked, answer["results"], strict=True)
        for hole in result.get("vulns", ())
    ]


def question(asked: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what the database is asked."""
    return {
        "queries": [
            {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
            for name, version in asked
        ]
    }


def main() -> int:
    """Return the exit code."""
    console, asked = Console(highlight=False), pins()
    try:
        answer = httpx.post(DATABASE, json=question(asked), timeout=PATIENCE)
        found = holes(asked, answer.raise_for_status().json())
    except (httpx.HTTPError, ValueError, KeyError) as error:
        console.print(f"audit: {DATABASE} is out of reach ({type(error).__name__}).")
        console.print("audit: the locks are held to requirements/advisories.toml alone.")
        return 0
    for each in found:
        console.print(f"audit: {each}")
    console.print(f"audit: {len(asked)} packages, {len(found)} known holes.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
