"""`usher-edge practice` and `bench`, as somebody with a laptop runs them."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.edge.appliance import free_port


def test_a_laptop_is_a_gate_within_a_command(tmp_path: Path) -> None:
    """It says where everything is, admits who stands before its camera, and ends on Ctrl-C."""
    words = ("practice", "--tickets", "50", "--port", str(free_port()), "--folder", str(tmp_path))
    log = tmp_path / "said"
    with log.open("wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "edge", *words], stdout=said, stderr=said)
    try:
        until = time.monotonic() + 90
        while "Ctrl-C ends it" not in log.read_text() and time.monotonic() < until:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    text = log.read_text()
    assert code == 0, text
    assert re.search(r"^kiosk +https://127\.0\.0\.1:\d+/kiosk\?key=[\w-]{43}$", text, re.MULTILINE)
    assert "Traceback" not in text
    assert len(list((tmp_path / "tickets").glob("*.png"))) > 20


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("camera", "--help")])
def test_help_has_examples(words: tuple[str, ...]) -> None:
    """Every command says how it is called, and shows it."""
    command = [sys.executable, "-m", "edge", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usher-edge" in done.stdout


def test_bench_measures_this_machine() -> None:
    """A table of a scan and of what it is made of."""
    command = [sys.executable, "-m", "edge", "bench", "--tickets", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for row in ("durable verdict", "signature check", "bare durable insert", "sync of this disk"):
        assert row in done.stdout
