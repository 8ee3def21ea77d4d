"""What these tests stand on; they are never skipped (see conftest.py)."""

import re
import shutil
from pathlib import Path

from tests.network.conftest import TOOLS
from tests.network.evening import last_word

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


def test_a_failure_says_in_its_first_line_what_failed() -> None:
    """That line is all of it that a run in CI shows."""
    log = 'Traceback (most recent call last):\n  File "a.py", line 1, in b\nTimeoutError: late\n'
    assert last_word(f"KeyError: 'a'\n{log}hung up on 67: gone\n", 1) == "TimeoutError: late"
    died = "Fatal Python error: Segmentation fault\n\nThread 0x7f (most recent call first):\n"
    assert last_word(died, -11) == "Fatal Python error: Segmentation fault"
    assert last_word("", 137) == "ended with 137, and raised nothing"
