"""Our units of systemd in a root of their own, beside the ones that systemd brings."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

UNITS: Final = Path(__file__).parents[2] / "systemd"
SYSTEM: Final = Path("/usr/lib/systemd/system")
PROGRAMS: Final = (
    "opt/usher/current/bin/usher-edge",
    "opt/usher/current/bin/usher-cloud",
    "usr/bin/cage",
    "usr/bin/pkill",
    "usr/local/sbin/usher-backup",
    "usr/local/sbin/usher-clean",
    "usr/bin/sh",
    "usr/bin/kill",
)


def make_root(root: Path) -> Path:
    """Fill `root` with the units, and with something that can be run where they run something."""
    shutil.copytree(SYSTEM, root / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(UNITS, root / "etc/systemd/system")
    for each in PROGRAMS:
        program = root / each
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    (root / "lib").symlink_to("usr/lib")
    return root


def instance(file: Path) -> str:
    """Return a unit's name, a template's with something for %i."""
    return file.name.replace("@.", "@one.")


def verify(root: Path, name: str) -> str:
    """Return what systemd has to say against a unit. Its exit code is 0 for an unknown key too."""
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={root}", name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"{done.returncode}")


def exposure(file: Path) -> float:
    """Return systemd's score of what a service could do if it were taken over, 0 to 10."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", file],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (line,) = (line for line in done.stdout.splitlines() if "Overall exposure level" in line)
    return float(line.rpartition(": ")[2].split()[0])


def values(file: Path, key: str) -> list[str]:
    """Return what a unit says of a key, each time."""
    lines = file.read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]
