"""The specification as data: its failure tables and its worked examples.

An example is a fenced block of hex whose info string is `hex <name>`; a row of a failure
table begins with a code and an outcome, both in backquotes.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "shared" / "spec"


@cache
def outcomes(page: str = "token.md") -> dict[str, str]:
    """Return the outcome of every failure code in a page's tables."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text, re.MULTILINE))


@cache
def failures(page: str) -> set[str]:
    """Return the codes of keysets and documents in a page's tables."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    return set(re.findall(r"^\| `((?:keyset|document)_\w+)` \|", text, re.MULTILINE))


@cache
def codes(page: str) -> set[str]:
    """Return every code in the first column of a page's failure tables."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    cells = re.findall(r"^\| ((?:`\w+_\w+`(?:, )?)+) \|", text, re.MULTILINE)
    return set(re.findall(r"\w+", " ".join(cells)))


@cache
def types_of_failures(page: str = "token.md") -> dict[str, str]:
    """Return the types that a failure code is for: `all`, or hex in backquotes."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    row = r"^\| `(\w+)` \| `\w+` \| [\d, ]+ \| ([^|]*?) \|"
    return dict(re.findall(row, text, re.MULTILINE))


@cache
def examples(page: str = "token.md") -> dict[str, bytes]:
    """Return the bytes of every worked example of a page; `#` begins a comment."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```hex ([\w-]+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {name: bytes.fromhex(re.sub(r"#.*", "", block)) for name, block in blocks}


@cache
def texts(page: str = "token.md") -> dict[str, str]:
    """Return the one line of every fenced block of text or JSON with a name."""
    page_text = (FOLDER / page).read_text(encoding="utf-8")
    return dict(re.findall(r"^```(?:text|json) ([\w-]+)\n(.*)\n```", page_text, re.MULTILINE))
