"""All of it as a person runs it: a small crowd, the table, and nothing left behind."""

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from demo.crowd import Chapter

SMALL = "120"  # tickets
WHOLE = 420.0  # seconds; this machine may be doing much else
PREFIX = "usher-demo-"


@contextmanager
def playing(tmp_path: Path, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Run the demo; give it and what it says, and see that it ends."""
    said = tmp_path / "said"
    folder = tmp_path / "tmp"
    folder.mkdir()
    env = {**os.environ, "TMPDIR": str(folder), "GUESTS": SMALL, **environment}
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo"], stdout=out, stderr=subprocess.STDOUT, env=env, text=True
        )
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(said: Path, words: str, process: "subprocess.Popen[str]", seconds: float) -> str:
    """Wait until the demo has said something; return all that it has said."""
    end = time.monotonic() + seconds
    while words not in (told := said.read_text()):
        assert process.poll() is None, told[-4000:]
        assert time.monotonic() < end, told[-4000:]
        time.sleep(0.1)
    return told


def left(folder: Path) -> tuple[list[str], list[str]]:
    """Return the folders that are left, and the processes that know of them."""
    running = {pid: known_to(pid) for pid in Path("/proc").iterdir() if pid.name.isdecimal()}
    about = [pid.name for pid, words in running.items() if str(folder).encode() in words]
    return [path.name for path in folder.glob(f"{PREFIX}*")], about


def known_to(process: Path) -> bytes:
    """Return a process's command line and environment, nothing of one that has ended."""
    try:
        return (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    except OSError:
        return b""


def test_a_whole_evening_goes_as_planned_and_leaves_nothing(tmp_path: Path) -> None:
    """Every chapter is told, the table has no difference, the status says so; kept running, it
    says where everything is, and all of it is gone after Ctrl-C."""
    with playing(tmp_path, KEEP="1") as (process, said):
        told = until(said, "Ctrl-C ends it", process, WHOLE)
        assert "Everything happened as expected." in told, told[-6000:]
        assert "✖" not in told
        assert told.count("each as planned") == len(Chapter)
        addresses = dict(re.findall(r"^(\S+(?: \S+)?) {2,}(https?://\S+)$", told, re.MULTILINE))
        (folder,) = (tmp_path / "tmp").glob(f"{PREFIX}*")
        venue = ssl.create_default_context(cafile=folder / "venue-ca.crt")
        assert "Usher" in httpx.get(addresses["documentation"]).text
        assert httpx.get(addresses["handheld North"], verify=venue).is_success
        assert httpx.get(addresses["kiosk west-out"], verify=venue).status_code == 303
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
    assert left(tmp_path / "tmp") == ([], [])


def test_ended_in_the_middle_it_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while the cloud and the gates are starting."""
    with playing(tmp_path) as (process, said):
        until(said, "Enrol and preload", process, WHOLE / 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 128 + signal.SIGTERM
    assert left(tmp_path / "tmp") == ([], [])


def test_killed_it_leaves_no_process(tmp_path: Path) -> None:
    """Nothing can tidy up then; but what it started hears of it, and ends."""
    with playing(tmp_path) as (process, said):
        until(said, "The cloud runs", process, WHOLE / 2)
        process.kill()
        process.wait()
        end = time.monotonic() + 60
        while left(tmp_path / "tmp")[1]:
            assert time.monotonic() < end, left(tmp_path / "tmp")[1]
            time.sleep(0.2)
