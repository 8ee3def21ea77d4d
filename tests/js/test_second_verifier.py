"""The verifier in JavaScript, written from the spec alone, runs the same vectors."""

import shutil
import subprocess
from pathlib import Path

from tests.vectors.suite import load

RUNNER = Path(__file__).with_name("run_vectors.mjs")


def test_the_second_verifier_agrees_on_every_vector() -> None:
    """It passes as many vectors as the two suites have, and there are some."""
    node = shutil.which("node")
    assert node, "Node.js 18 or newer is needed: apt-get install nodejs"
    run = subprocess.run([node, str(RUNNER)], capture_output=True, text=True, check=False)
    passed = [line for line in run.stdout.splitlines() if line.startswith("ok ")]
    expected = len(load("token")["vectors"]) + len(load("ed25519")["vectors"])
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(passed) == expected > 0
