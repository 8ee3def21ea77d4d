"""What these tests stand on; they are never skipped (see conftest.py)."""

import re
import shutil
from pathlib import Path

from tests.network.conftest import TOOLS

SETUP = Path(__file__).parents[2] / "scripts" / "setup"


def test_setup_looks_for_every_tool_and_all_are_here() -> None:
    """`scripts/setup tests` installs whatever of these is missing."""
    found = re.search(r"^network\(\) \{$(.*?)^\}$", SETUP.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    assert TOOLS
    for tool in TOOLS:
        assert f"command -v {tool} " in found[1]
        assert shutil.which(tool), tool


def test_nothing_here_skips() -> None:
    """A run in which all of these were skipped would be green, and prove nothing."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    assert files
    for file in files:
        assert not re.search(r"pytest\.(mark\.)?(skip|xfail|importorskip)", file.read_text()), file
