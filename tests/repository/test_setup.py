"""The set-up is repeatable without a network."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_NETWORK = ["unshare", "--map-root-user", "--net"]


def test_a_second_set_up_fetches_nothing() -> None:
    """With all in place, the set-up succeeds where there is no network at all."""
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives its users no network namespace")
    again = subprocess.run(
        [*NO_NETWORK, "scripts/setup"], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
