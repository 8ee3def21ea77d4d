"""The units that run Usher: understood by systemd, watched, and able to do little else."""

from pathlib import Path
from typing import Final

import msgspec
import pytest

from cloud.settings import CREDENTIAL, Settings
from tests.ops.units import UNITS, exposure, instance, make_root, values, verify

SERVICES: Final = sorted(UNITS.glob("*.service"))
# The kiosk's browser reaches this machine alone, backups its database's socket, and what cleans up
# or says that a unit has given up nobody.
OFFLINE: Final = {
    "usher-kiosk.service", "usher-backup.service", "usher-clean.service", "usher-failed@.service",
}  # fmt: skip
FACING: Final = [file for file in SERVICES if file.name not in OFFLINE]
HIGHEST: Final = 2.0


def name_of(file: Path) -> str:
    return file.name


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with all units."""
    return make_root(tmp_path_factory.mktemp("root"))


@pytest.mark.parametrize("file", SERVICES, ids=name_of)
def test_systemd_has_nothing_to_say_against_it(root: Path, file: Path) -> None:
    """Not even a warning."""
    assert verify(root, instance(file)) == ""


@pytest.mark.parametrize("line", ["Watchdog=15", "ProtectSystem=srict", "ExecStart=nowhere"])
def test_a_slip_is_found(tmp_path: Path, line: str) -> None:
    """A misspelt key, a misspelt value, a program that is not there."""
    root = make_root(tmp_path / "root")
    unit = root / "etc/systemd/system/usher-gate.service"
    unit.write_text(unit.read_text().replace("[Service]\n", f"[Service]\n{line}\n"))
    assert verify(root, unit.name) != ""


@pytest.mark.parametrize("file", FACING, ids=name_of)
def test_who_takes_it_over_has_little(file: Path) -> None:
    """By systemd's own score."""
    assert exposure(file) <= HIGHEST


def test_a_service_without_walls_is_found(tmp_path: Path) -> None:
    """The score means something."""
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert exposure(bare) > HIGHEST


@pytest.mark.parametrize("file", FACING, ids=name_of)
def test_one_that_hangs_or_fails_is_seen(file: Path) -> None:
    """It tells that it lives, is started again, and in the end somebody is told."""
    assert values(file, "Type") == ["notify"]
    (patience,) = values(file, "WatchdogSec")
    assert 0 < int(patience) <= 60
    assert values(file, "Restart") == ["always"]
    assert values(file, "OnFailure") == ["usher-failed@%n.service"]
    assert int(values(file, "StartLimitBurst")[0]) * int(values(file, "RestartSec")[0]) < int(
        values(file, "StartLimitIntervalSec")[0]
    )


@pytest.mark.parametrize("role", ["api", "worker"])
def test_credentials_are_settings(role: str) -> None:
    """Those that are named as settings are ones; no unit holds a secret itself."""
    file = UNITS / f"usher-cloud-{role}.service"
    known = {field.name for field in msgspec.structs.fields(Settings)}
    loaded = [each.partition(":")[0] for each in values(file, "LoadCredential")]
    named = {each.removeprefix(CREDENTIAL) for each in loaded if each.startswith(CREDENTIAL)}
    assert named
    assert named <= known
    paths = dict(each.split("=") for each in values(file, "Environment"))
    assert {name.removeprefix("USHER_").lower() for name in paths} <= known
    handed = {path.removeprefix("%d/") for path in paths.values() if path.startswith("%d/")}
    assert handed
    assert handed <= set(loaded)
