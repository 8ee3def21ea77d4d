"""The demo tells a story that it checks itself."""

import pytest

from demo.__main__ import main


def test_everything_in_the_demo_happens_as_expected(capsys: pytest.CaptureFixture[str]) -> None:
    """Each scan has its expected outcome, all views agree, and the exit status says so."""
    assert main() == 0
    assert "Everything happened as expected" in capsys.readouterr().out
