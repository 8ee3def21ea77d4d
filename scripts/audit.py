"""Ask a database of advisories about every version that the locks pin.

    python -m scripts.audit        # or: make audit

Ends as 1 if one of them has a known hole, or if the database answers what it does not promise.
Where it is out of reach this says so and ends as 0: `tests/repository` holds the locks to
requirements/advisories.toml everywhere.
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
PAGES: Final = 10
PIN: Final = re.compile(r"^([a-z0-9.-]+)==([\w.+]+)", re.M)


def pins() -> list[tuple[str, str]]:
    """Return each package and version of the locks, once."""
    return sorted({pin for lock in LOCKS.glob("*.txt") for pin in PIN.findall(lock.read_text())})


def question(name: str, version: str) -> dict[str, Any]:
    """Return what the database is asked about one of them."""
    return {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}


def holes(asked: list[dict[str, Any]], results: list[Any]) -> list[str]:
    """Return a line for each hole that the database knows of."""
    return [
        f"{query['package']['name']} {query['version']}: {hole['id']}"
        for query, result in zip(asked, results, strict=True)
        for hole in result.get("vulns", ())
    ]


def more(asked: list[dict[str, Any]], results: list[Any]) -> list[dict[str, Any]]:
    """Return what is to be asked again, since a page of its holes is left."""
    return [
        query | {"page_token": result["next_page_token"]}
        for query, result in zip(asked, results, strict=True)
        if result.get("next_page_token")
    ]


def ask(database: str, queries: list[dict[str, Any]]) -> list[str]:
    """Return all holes, page after page; raise an error of httpx or ValueError."""
    found: list[str] = []
    for _ in range(PAGES):
        if not queries:
            return found
        answer = httpx.post(database, json={"queries": queries}, timeout=PATIENCE)
        results = answer.raise_for_status().json().get("results", [])
        found += holes(queries, results)
        queries = more(queries, results)
    raise ValueError(f"more than {PAGES} pages")


def out_of_reach(error: Exception) -> bool:
    """Whether nobody was asked; a database that calls our question wrong was."""
    refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 400
    return isinstance(error, httpx.HTTPError) and not refused


def main(database: str = DATABASE) -> int:
    """Return the exit code."""
    console, asked = Console(highlight=False, soft_wrap=True), pins()
    try:
        found = ask(database, [question(*each) for each in asked])
    except (httpx.HTTPError, AttributeError, KeyError, TypeError, ValueError) as error:
        if not out_of_reach(error):
            console.print(f"audit: {database} answered what it does not promise: {error!r}")
            return 1
        console.print(f"audit: {database} is out of reach ({type(error).__name__}).")
        console.print("audit: the locks are held to requirements/advisories.toml alone.")
        return 0
    for each in found:
        console.print(f"audit: {each}")
    console.print(f"audit: {len(asked)} packages, {len(found)} known holes.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
