"""`shared` is pure, and the rules that keep it so refuse what they should."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]

# The whole outside world of `shared`. An addition must be pure: no clock, no randomness, no
# I/O, no state of the process.
ALLOWED = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "ipaddress",  # parses, and asks nobody
    "heapq",
    "hmac",
    "itertools",
    "math",
    "msgspec",
    "nacl",
    "operator",
    "re",
    "struct",
    "types",
    "typing",
}

MODULES = [
    "import time",
    "from time import monotonic",
    "import random",
    "import secrets",
    "from os import urandom",
    "import asyncio",
    "import sqlite3",
    "import socket",
    "import threading",
    "from pathlib import Path",
    "import zoneinfo",
    "import uuid",
]
FRAMEWORKS = [
    "import litestar",
    "import uvicorn",
    "import httpx",
    "import asyncpg",
    "import redis",
    "import cv2",
    "import apscheduler",
    "import rich",
]
FUNCTIONS = [
    "import datetime as d\n\nNOW = d.datetime.now(d.UTC)",
    "from datetime import UTC, datetime\n\nnow = datetime.now\nNOW = now(UTC)",
    "from datetime import datetime\n\nNOW = datetime.utcnow()",
    "from datetime import date\n\nTODAY = date.today()",
    "from nacl.utils import random\n\nNONCE = random(24)",
    "import nacl.utils\n\nNONCE = nacl.utils.random(24)",
    "from nacl.signing import SigningKey\n\nKEY = SigningKey.generate()",
    "from nacl.bindings import crypto_sign_keypair\n\nKEY = crypto_sign_keypair()",
]


CODE_ALONE = shutil.ignore_patterns("__pycache__", "static")


def run(tree: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(tool)
    return subprocess.run(
        [program, *arguments], cwd=tree, text=True, capture_output=True, check=False
    )


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    return run(tree, "lint-imports", "--no-logo", "--no-cache")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the two linters read, to spoil."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("shared", "edge", "cloud", "demo"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=CODE_ALONE)
    return tmp_path


def spoil(path: Path, code: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'"""A module that breaks a rule."""\n\n{code}\n')


def test_shared_imports_only_what_is_allowed() -> None:
    """Every top-level module that `shared` imports is in the list above."""
    graph = grimp.build_graph("shared", include_external_packages=True, cache_dir=None)
    outside = {module for module in graph.modules if module.split(".")[0] != "shared"}
    assert outside <= ALLOWED


@pytest.mark.parametrize("code", MODULES + FUNCTIONS)
def test_ruff_refuses_the_clock_and_its_kin(tree: Path, code: str) -> None:
    """Ruff refuses each banned module and function in `shared`."""
    spoil(tree / "shared" / "bad.py", code)
    result = run(tree, "ruff", "check", "--select=TID251", "--no-cache", "shared/bad.py")
    assert result.returncode == 1
    assert "TID251" in result.stdout


def test_ruff_lets_others_read_the_clock(tree: Path) -> None:
    """The ban is on `shared` alone: the sides read the clock and pass it in."""
    spoil(tree / "edge" / "station.py", MODULES[0])
    result = run(tree, "ruff", "check", "--select=TID251", "--no-cache", "edge/station.py")
    assert result.returncode == 0, result.stdout


def test_the_layers_hold_in_an_unspoilt_copy(tree: Path) -> None:
    """lint-imports passes in the copy, so that what it refuses below is the spoilt part."""
    result = lint_imports(tree)
    assert result.returncode == 0, result.stdout


def test_lint_imports_refuses_the_clock_and_frameworks(tree: Path) -> None:
    """lint-imports names every banned module that a module of `shared` imports."""
    codes = MODULES + FRAMEWORKS
    spoil(tree / "shared" / "bad.py", "\n".join(codes))
    result = lint_imports(tree)
    assert result.returncode == 1
    assert [code for code in codes if f"-> {code.split()[1]} " not in result.stdout] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("shared/bad.py", "import edge"),
        ("shared/bad.py", "import cloud"),
        ("edge/bad.py", "import cloud"),
        ("cloud/bad.py", "import edge"),
        ("demo/bad.py", "import edge.practice"),
        ("demo/bad.py", "import cloud"),
        ("shared/errors.py", "import shared.merge"),
    ],
)
def test_lint_imports_refuses_the_wrong_direction(tree: Path, path: str, code: str) -> None:
    """The sides stand on `shared` and not on each other; `shared` has layers of its own."""
    assert lint_imports(tree).returncode == 0
    spoil(tree / path, code)
    result = lint_imports(tree)
    assert result.returncode == 1
    assert "BROKEN" in result.stdout


def test_every_package_is_under_the_rules() -> None:
    """A side that exists is named to import-linter, or its contracts would hold of nothing."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    exist = {name for name in ("shared", "edge", "cloud", "demo") if (ROOT / name).is_dir()}
    assert set(settings["tool"]["importlinter"]["root_packages"]) == exist


def test_every_module_of_shared_has_its_layer() -> None:
    """No module of `shared` escapes the contract on its layers."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (inside,) = (c for c in settings["tool"]["importlinter"]["contracts"] if c["id"] == "inside")
    named = {name for layer in inside["layers"] for name in layer.split(" | ")}
    exist = {path.stem for path in (ROOT / "shared").glob("*.py")} | {
        path.parent.name for path in (ROOT / "shared").glob("*/__init__.py")
    }
    assert {name.strip("()") for name in named} >= exist - {"__init__"}
