"""The code and the specification name the same things."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from shared import errors
from shared.signed import Kind
from tests.vectors.spec import FOLDER

SHARED = FOLDER.parent


def trees(folder: Path) -> list[ast.Module]:
    """Return the code of a package."""
    return [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
        if path.name != "errors.py"
    ]


TREES = trees(SHARED)
# Hashes that leave a package are named in one place, whoever makes them.
EVERYWHERE = [*TREES, *trees(SHARED.with_name("edge")), *trees(SHARED.with_name("cloud"))]
RAISED = {"Malformed", "Untrusted", "Refused"}


def domains() -> Iterator[str]:
    """Yield the domain of every bytes literal in the code."""
    for node in (node for tree in EVERYWHERE for node in ast.walk(tree)):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            yield from re.findall(r"usher/[a-z-]+/v\d+", node.value.decode("latin-1"))


def patterns(within: ast.AST) -> Iterator[str]:
    """Yield every string below a node as a pattern: what an f-string fills in is any word."""
    if isinstance(within, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else r"\w+" for part in within.values]
        yield "".join(map(str, parts))
    elif isinstance(within, ast.Constant) and isinstance(within.value, str):
        yield re.escape(within.value)
    else:
        for child in ast.iter_child_nodes(within):
            yield from patterns(child)


def raised() -> Iterator[str]:
    """Yield the strings in the first argument of every error."""
    for node in (node for tree in TREES for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED:
            yield from patterns(node.args[0])


def test_every_domain_is_listed_and_serves_one_purpose() -> None:
    """spec/README.md lists all domains; no two places of the code use one."""
    listed = set(re.findall(r"usher/[a-z-]+/v1", (FOLDER / "README.md").read_text("utf-8")))
    used = Counter(domains())
    used.update(kind.domain.decode().rstrip("\0") for kind in Kind)
    assert set(used) == listed
    assert [name for name, count in used.items() if count > 1] == []


def test_every_error_has_a_sentence() -> None:
    """A code that is raised has a sentence for staff."""
    known = "\n".join(errors.SENTENCES)
    assert [code for code in raised() if not re.search(f"^{code}$", known, re.MULTILINE)] == []


def test_every_sentence_has_an_error() -> None:
    """No sentence is left over from a code that nothing raises any more."""
    named = [re.compile(code) for tree in TREES for code in set(patterns(tree)) if code != r"\w+"]
    left = [code for code in errors.SENTENCES if not any(name.fullmatch(code) for name in named)]
    assert left == []
