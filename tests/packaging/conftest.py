"""The wheel, and a clean environment per side with nothing but the wheel and its lock file."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).parents[2]
CACHE = os.environ.get("UV_CACHE_DIR", str(ROOT / ".cache" / "uv"))
SOURCES = ["pyproject.toml", "README.md", "LICENSE", "shared", "edge", "cloud"]

Build = Callable[[Path], Path]


class Python(Protocol):
    """A side's interpreter: run code, away from the checkout, and return what it prints."""

    def __call__(self, code: str, *arguments: str | Path) -> str: ...


def run(*command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] = {}) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def uv(place: Path, *arguments: str | Path) -> str:
    """Run uv on the environment at `place`, with what `scripts/setup tests` has fetched alone."""
    program = Path(sys.executable).with_name("uv")
    offline = {"UV_CACHE_DIR": CACHE, "UV_OFFLINE": "1", "VIRTUAL_ENV": str(place)}
    return run(program, *arguments, environment=offline)


@pytest.fixture(scope="session")
def build() -> Build:
    """Copy the sources into a folder that does not exist yet, and build the wheel there."""

    def build_in(tree: Path) -> Path:
        tree.mkdir()
        for name in SOURCES:
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, tree / name, copy_function=shutil.copy, ignore=ignore)
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, tree)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=tree)
        (wheel,) = (tree / "dist").glob("*.whl")
        return wheel

    return build_in


@pytest.fixture(scope="session")
def wheel(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel") / "tree")


@pytest.fixture(scope="session", params=["edge", "cloud"])
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session", name="python")
def python_of(side: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Python:
    """Install the wheel with one side's extra, in a clean environment.

    The environment lies beside the cache, so that uv links files instead of copying them.
    """
    place = ROOT / "build" / "wheel" / side
    lock = ROOT / "requirements" / f"{side}.txt"
    uv(place, "venv", "--clear", "--python", sys.executable, place)
    uv(place, "pip", "sync", "--require-hashes", lock)
    before = uv(place, "pip", "freeze")
    uv(place, "pip", "install", f"usher[{side}] @ {wheel.as_uri()}")
    after = uv(place, "pip", "freeze")
    new = set(after.splitlines()) ^ set(before.splitlines())
    assert len(new) == 1, f"the lock of [{side}] is not what the wheel asks for: {new}"

    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def python(code: str, *arguments: str | Path) -> str:
        return run(place / "bin" / "python", "-I", "-c", code, *arguments, cwd=elsewhere)

    return python
