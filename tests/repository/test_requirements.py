"""The lock files pin and hash what pyproject.toml declares, and name no place to get it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts import audit

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = ["base", "cloud", "dev", "edge", "ops", "uv"]


def declared() -> dict[str, list[str]]:
    """Return what each lock file must provide."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    base = settings["project"]["dependencies"]
    extras = settings["project"]["optional-dependencies"]
    return {
        "base": base,
        "cloud": base + extras["cloud"],
        "dev": base + settings["dependency-groups"]["dev"],
        "edge": base + extras["edge"],
        "ops": settings["dependency-groups"]["ops"],
        "uv": (REQUIREMENTS / "uv.in").read_text().split(),
    }


def pinned(lock: str) -> dict[str, set[Version]]:
    """Return the versions of each package; markers may choose among several."""
    pins: dict[str, set[Version]] = {}
    for line in (REQUIREMENTS / f"{lock}.txt").read_text().splitlines():
        if match := re.match(r"([\w.-]+)==(\S+)", line):
            pins.setdefault(canonicalize_name(match[1]), set()).add(Version(match[2]))
    return pins


def test_all_locks_are_known() -> None:
    """No lock file is outside these tests."""
    assert sorted(path.stem for path in REQUIREMENTS.glob("*.txt")) == LOCKS


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_satisfies_what_is_declared(lock: str) -> None:
    """Each declared package is pinned at versions that its declaration allows."""
    pins = pinned(lock)
    for requirement in map(Requirement, declared()[lock]):
        versions = pins[canonicalize_name(requirement.name)]
        assert all(version in requirement.specifier for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_is_pins_and_hashes_alone(lock: str) -> None:
    """Every line is an exact pin or a SHA-256, and every pin has one: no URL, no option."""
    text = (REQUIREMENTS / f"{lock}.txt").read_text()
    pin = r"[a-z0-9.-]+==[\w.+]+( ; [^\n\\]+)? \\"
    digest = r"    --hash=sha256:[0-9a-f]{64}"
    assert re.fullmatch(rf"({pin}\n({digest} \\\n)*{digest}\n)+", text)


def test_all_locks_agree() -> None:
    """A package has the same versions wherever it is pinned: tests run what gates run."""
    seen: dict[str, set[Version]] = {}
    for lock in LOCKS:
        for name, versions in pinned(lock).items():
            assert seen.setdefault(name, versions) == versions, f"{name} in {lock}"


def test_the_sides_are_apart() -> None:
    """A gate carries no payment, chain or database client, and the cloud no camera."""
    edge, cloud = pinned("edge").keys(), pinned("cloud").keys()
    assert not edge & {"stripe", "asyncpg", "solders"}
    assert not cloud & {"opencv-python-headless", "opencv-python", "pyzbar", "zxing-cpp"}


def test_no_lock_pins_a_known_hole() -> None:
    """Of those in requirements/advisories.toml, which is where no database can be asked."""
    holes = {advisory: Requirement(each) for advisory, each in known_holes().items()}
    found = [
        (advisory, name, str(version))
        for lock in LOCKS
        for name, versions in pinned(lock).items()
        for version in versions
        for advisory, hole in holes.items()
        if canonicalize_name(hole.name) == name and version in hole.specifier
    ]
    assert found == []


def test_known_holes_are_about_what_is_pinned() -> None:
    """An advisory whose package is gone, or misspelt, would guard nothing."""
    every = {name for lock in LOCKS for name in pinned(lock)}
    for advisory, each in known_holes().items():
        assert re.fullmatch(r"CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3}", advisory)
        assert canonicalize_name(Requirement(each).name) in every, each
        assert Requirement(each).specifier


def known_holes() -> dict[str, str]:
    return tomllib.loads((REQUIREMENTS / "advisories.toml").read_text())


def test_the_audit_asks_about_every_pin() -> None:
    """Whatever lock it is in."""
    assert dict(audit.pins()).keys() == {name for lock in LOCKS for name in pinned(lock)}
