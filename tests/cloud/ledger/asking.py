"""Questions to Metaplex's own packages, under Node: oracle/oracle.mjs answers them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[3]
RUNNER: Final = Path(__file__).parent / "oracle" / "oracle.mjs"
PACKAGES: Final = ROOT / ".cache" / "npm-oracle" / "node_modules"

Json = dict[str, Any]


def ask(questions: list[Json]) -> list[Json]:
    """Return the answers, in order. `scripts/oracle` fetches the packages."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("Node.js is needed: scripts/setup tests")
    subprocess.run([ROOT / "scripts" / "oracle"], check=True)
    run = subprocess.run(
        [node, RUNNER, PACKAGES.parent],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answers: list[Json] = json.loads(run.stdout)
    assert len(answers) == len(questions)
    return answers
