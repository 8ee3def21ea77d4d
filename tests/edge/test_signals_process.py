"""The real signals process on simulated lines, and an agent that dies in every way.

`python -m tests.edge.test_signals_process SOCKET` is that agent.
"""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from edge.link.messages import LENGTH, Beat, Hello, Message, Show, body_size, decode, encode

PATIENCE: Final = 60.0  # seconds: a bound for a hanging test, not a measure
BEAT_SECONDS: Final = 0.2
LINES: Final = ("--green", "17", "--amber", "27", "--red", "22", "--entry", "5", "--exit", "6")
Change = dict[str, Any]


class Process:
    """A child whose output lines are read as JSON while it runs."""

    def __init__(self, *command: str, **environ: str) -> None:
        self.child = subprocess.Popen(
            (sys.executable, "-m", *command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environ},
            text=True,
        )
        self._lines: queue.Queue[Change | None] = queue.Queue()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self.seen: list[Change] = []

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def tell(self, *order: Any) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()

    def until(self, wanted: Callable[[Change], bool]) -> Change:
        """Return the next change that is the wanted one."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, "it ended"
            self.seen.append(line)
            if wanted(line):
                return line

    def rest(self) -> list[Change]:
        """Wait for its end; return what came until then."""
        lines = []
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            lines.append(line)
        return lines

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.child.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self.child.pid, os.WSTOPPED)

    def close(self) -> None:
        for number in (signal.SIGCONT, signal.SIGKILL):
            self.child.send_signal(number)
        self.child.wait()
        self._reading.join()
        for pipe in (self.child.stdin, self.child.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start processes on one socket, and end them."""
    started: list[Process] = []
    path = str(tmp_path / "agent.sock")

    def begin(kind: str, *more: str) -> Process:
        if kind == "agent":
            made = Process("tests.edge.test_signals_process", path)
            made.until(lambda line: "listening" in line)
        else:
            command = ("edge.signals", "--socket", path, "--lane", "kiosk", "--print", "--mute")
            made = Process(*command, *LINES, *more, GPIOZERO_PIN_FACTORY="mock")
        started.append(made)
        return made

    yield begin
    for process in started:
        process.close()


Start = Callable[..., Process]


def levels(**wanted: int) -> Callable[[Change], bool]:
    """Say whether lines are at these levels."""

    def match(change: Change) -> bool:
        now = change.get("levels", {})
        return all(now.get(name) == level for name, level in wanted.items())

    return match


def heard(*, alive: bool) -> Callable[[Change], bool]:
    return lambda change: change.get("agent") is alive


def pulses(changes: list[Change], relay: str = "entry") -> int:
    """Return how often a relay went on."""
    seen = [0] + [change["levels"][relay] for change in changes if "levels" in change]
    return sum(now > before for before, now in pairwise(seen))


def test_its_first_word_is_the_fail_safe_state(start: Start) -> None:
    """Without an agent, the entry is locked, the exit open, and the lamp says trouble."""
    process = start("signals")
    first = process.until(lambda _: True)
    assert first["agent"] is False
    assert (first["levels"]["entry"], first["levels"]["exit"]) == (0, 1)
    process.until(levels(red=1, amber=0))
    process.until(levels(red=0, amber=1))
    assert all(not change["levels"]["green"] for change in process.seen)


def test_it_greets_and_shows_verdicts(start: Start) -> None:
    """Green turns the turnstile once for each person; a refusal only lights the lamp."""
    agent, process = start("agent"), start("signals", "--pulse", "0.1", "--gap", "0.1")
    assert agent.until(lambda line: "hello" in line)["hello"] == ["signals", "kiosk", "kiosk"]
    process.until(heard(alive=True))
    agent.tell("show", "green", "admitted", 3)
    for _ in range(3):
        process.until(levels(entry=1, green=1))
        process.until(levels(entry=0))
    agent.tell("show", "red", "revoked", 0)
    process.until(levels(red=1, green=0))
    agent.tell("show", "green", "exit", 1, True)
    process.until(levels(exit=1, green=1))
    process.until(levels(exit=0))
    assert pulses(process.seen) == 3


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_dead_agent_opens_nothing_and_nothing_late(start: Start, how: signal.Signals) -> None:
    """Killed or frozen in the middle of a group: the relays go to their fail-safe state by
    themselves, and when an agent is back, nobody is let in who was waiting before."""
    agent, process = start("agent"), start("signals", "--pulse", "0.6", "--gap", "0.6")
    process.until(heard(alive=True))
    agent.tell("show", "green", "admitted", 5)
    assert process.until(levels(entry=1))["waiting"] == 4
    agent.kill(how)
    lost = process.until(heard(alive=False))
    assert (lost["levels"]["entry"], lost["levels"]["exit"], lost["waiting"]) == (0, 1, 0)
    before = pulses(process.seen)
    if how is signal.SIGKILL:
        agent = start("agent")
    else:
        agent.kill(signal.SIGCONT)
    back = process.until(heard(alive=True))
    assert (back["levels"]["entry"], back["levels"]["exit"], back["waiting"]) == (0, 0, 0)
    agent.tell("show", "green", "admitted", 1)
    assert process.until(levels(entry=1))["waiting"] == 0
    assert pulses(process.seen) == before + 1


def test_a_line_that_breaks_drops_the_queue_at_once(start: Start) -> None:
    """An agent that is back before anybody would miss it still knows nothing of who waits."""
    agent, process = start("agent"), start("signals", "--pulse", "0.6", "--gap", "0.6")
    process.until(heard(alive=True))
    agent.tell("show", "green", "admitted", 5)
    process.until(levels(entry=1))
    agent.tell("hang up")
    assert process.until(heard(alive=False))["waiting"] == 0
    process.until(heard(alive=True))
    agent.tell("show", "green", "admitted", 1)
    assert process.until(levels(entry=1))["waiting"] == 0


def test_an_agent_that_cannot_write_locks_the_gate(start: Start) -> None:
    """It goes on beating and says that it is not ready; then it is again."""
    agent, process = start("agent"), start("signals")
    process.until(heard(alive=True))
    agent.tell("ready", False)
    assert levels(entry=0, exit=1)(process.until(heard(alive=False)))
    agent.tell("show", "green", "admitted", 1)
    agent.tell("ready", True)
    process.until(heard(alive=True))
    agent.tell("show", "red", "revoked", 0)
    process.until(levels(red=1, amber=0, exit=0))
    assert pulses(process.seen) == 0


def test_what_piled_up_while_it_was_frozen_opens_nothing(start: Start) -> None:
    """A green of a while ago is not acted on, though the agent lives and beats."""
    agent, process = start("agent"), start("signals")
    process.until(heard(alive=True))
    process.kill(signal.SIGSTOP)
    for _ in range(2):  # beats lie before and behind the green that it will find
        agent.tell("wait", 8)
        agent.until(lambda line: "beats" in line)
        agent.tell("show", "green", "admitted", 1)
    agent.tell("wait", 8)
    agent.until(lambda line: "beats" in line)
    process.kill(signal.SIGCONT)
    agent.until(lambda line: "hello" in line)  # it called anew
    process.until(heard(alive=False))
    process.until(heard(alive=True))
    agent.tell("show", "red", "revoked", 0)
    process.until(levels(red=1, amber=0, exit=0))
    assert pulses(process.seen) == 0


def test_it_leaves_the_fail_safe_state_behind(start: Start) -> None:
    """SIGTERM in the middle of a pulse ends the pulse, and the process in good order."""
    agent, process = start("agent"), start("signals", "--pulse", "30")
    process.until(heard(alive=True))
    agent.tell("show", "green", "admitted", 2)
    process.until(levels(entry=1))
    process.kill(signal.SIGTERM)
    last = process.rest()[-1]
    assert last["agent"] is False
    assert levels(green=0, red=1, entry=0, exit=1)(last)
    assert process.child.wait(PATIENCE) == 0


def test_an_exit_wired_to_open_without_power_is_low_when_it_is_over(start: Start) -> None:
    """Inverted: locked is high, and the level of a line that nobody drives opens."""
    start("agent")
    process = start("signals", "--exit-inverted")
    assert levels(exit=1)(process.until(heard(alive=True)))
    process.kill(signal.SIGTERM)
    assert levels(exit=0)(process.rest()[-1])


def test_a_hung_sound_holds_up_no_relay(tmp_path: Path, start: Start) -> None:
    """The player never ends; the turnstile turns all the same."""
    player = tmp_path / "aplay"
    player.write_text("#!/bin/sh\nexec sleep 600\n")
    player.chmod(0o755)
    agent = start("agent")
    command = ("--socket", str(tmp_path / "agent.sock"), "--lane", "kiosk", "--print", *LINES)
    places = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GPIOZERO_PIN_FACTORY": "mock"}
    process = Process("edge.signals", *command, "--pulse", "0.1", "--gap", "0.1", **places)
    try:
        process.until(heard(alive=True))
        agent.tell("show", "green", "admitted", 3)
        for _ in range(3):
            process.until(levels(entry=1))
            process.until(levels(entry=0))
        process.kill(signal.SIGTERM)
        process.rest()
        assert process.child.wait(PATIENCE) == 0
    finally:
        process.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--red", "5", "--entry", "5"), "two outputs have the same line"),
        (("--red", "99"), "99 is not in the range"),
        (("--entry-fails", "ajar"), "'ajar' is not one of"),
    ],
)
def test_impossible_options_are_said(options: tuple[str, ...], said: str) -> None:
    """Before any line is driven."""
    command = (sys.executable, "-m", "edge.signals", "--socket", "s", "--lane", "k", *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert said in done.stderr


class FakeAgent:
    """Serves whoever calls, beats, and does what its standard input says."""

    def __init__(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen()
        self._callers: list[socket.socket] = []
        self._ready = True
        self._beats = threading.Semaphore(0)

    def run(self) -> None:
        for task in (self._serve, self._beat):
            threading.Thread(target=task, daemon=True).start()
        say(listening=True)
        for line in sys.stdin:
            self._obey(*json.loads(line))

    def _obey(self, verb: str, *rest: Any) -> None:
        if verb == "show":
            self._send(Show("kiosk", *rest))
        elif verb == "ready":
            (self._ready,) = rest
        elif verb == "hang up":
            for caller in self._callers:
                caller.shutdown(socket.SHUT_RDWR)
        else:  # beats from now on
            while self._beats.acquire(blocking=False):
                pass
            for _ in range(rest[0]):
                self._beats.acquire()
            say(beats=rest[0])

    def _serve(self) -> None:
        while True:
            caller, _ = self._server.accept()
            body = caller.recv(body_size(caller.recv(LENGTH.size)))
            hello = decode(body)
            assert isinstance(hello, Hello)
            self._callers = [caller]
            say(hello=[hello.role, hello.name, hello.lane])

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            self._send(Beat(self._ready))
            self._beats.release()
            pause.wait(BEAT_SECONDS)

    def _send(self, message: Message) -> None:
        for caller in self._callers:
            try:
                caller.sendall(encode(message))
            except OSError:
                self._callers = []


def say(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    FakeAgent(sys.argv[1]).run()
