"""What no committed file may say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "the host of a package registry": re.compile(
        r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|(deb|security)\.debian\.org|"
        r"archive\.ubuntu\.com|crates\.io|proxy\.golang\.org|deb\.nodesource\.com)\b"
    ),
    "an index of packages": re.compile(
        r"--(extra-)?index-url[= ]|--find-links[= ]|\bregistry\s*=\s*http"
    ),
    # "/root/successor" is an address of the API.
    "a path of one machine": re.compile(
        r"(?<![\w.}/-])/(?:work|tmp|root|home|Users)/(?!successor)\w"
    ),
    "a secret": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY|\b[sr]k_(live|test)_\w{8}|\bAKIA[0-9A-Z]{16}\b|"
        r"\bgh[pousr]_\w{20}|\bgithub_pat_\w{20}|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{10}|"
        r"\bAIza[\w-]{35}|\bnpm_\w{36}|\bpypi-AgE[\w-]{20}|"
        r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}|AGE-SECRET-KEY-1\w{20}"
    ),
}


def committed() -> list[Path]:
    """Every file that git tracks, or would on `git add --all`."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name.decode() for name in listing.stdout.split(b"\0") if name)
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names(what: str) -> None:
    """No committed file names what belongs to one machine or must stay secret."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in committed()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := FORBIDDEN[what].search(line))
    ]
    assert found == []


def test_every_relative_link_leads_to_a_file() -> None:
    """A page that names another file of the project names one that is there."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in committed()
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if not target.startswith(("https://", "http://")) and not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("the host of a package registry", "https://files.pythonhosted." + "org/packages"),
        ("an index of packages", "--extra-" + "index-url https://mirror.example/simple"),
        ("a path of one machine", 'open("/' + 'home/someone/key")'),
        ("a secret", "-----BEGIN OPENSSH " + "PRIVATE KEY-----"),
        ("a secret", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("a secret", "xoxb-" + "123456789012-abcdef"),
        ("a secret", "eyJhbGciOiJFZERTQSJ9." + "eyJzdWIiOiJvbGl2aWEifQ." + "c2lnbmF0dXJl" * 3),
    ],
)
def test_each_pattern_finds_its_example(what: str, line: str) -> None:
    """The patterns above are not vacuous."""
    assert FORBIDDEN[what].search(line)
