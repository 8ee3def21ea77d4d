"""The camera process, as the agent sees it over its socket."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest

from edge.link.messages import (
    LENGTH,
    CameraState,
    Hello,
    Message,
    Preview,
    Seen,
    Watch,
    body_size,
    decode,
    encode,
)
from tests.edge.frames import Grey, Look, render, static_text, write_avi

PATIENCE: Final = 60.0  # seconds: a bound for a hanging test, not a measure
SIZE: Final = (360, 640)
LOOK: Final = Look(px=4, noise=3)
Start = Callable[..., "subprocess.Popen[bytes]"]


class Agent:
    """The other end of the socket."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.settimeout(PATIENCE)
        self._server.bind(str(path))
        self._server.listen()
        self._caller: socket.socket | None = None

    def answer(self) -> Hello:
        """Wait for the camera to call; return its greeting."""
        if self._caller is not None:
            self._caller.close()
        self._caller, _ = self._server.accept()
        self._caller.settimeout(PATIENCE)
        hello = self.next()
        assert isinstance(hello, Hello)
        return hello

    def send(self, message: Message) -> None:
        assert self._caller is not None
        self._caller.sendall(encode(message))

    def next(self) -> Message:
        return decode(self._exactly(body_size(self._exactly(LENGTH.size))))

    def wait_for(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the first message from now on that is the wanted one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if wanted(message := self.next()):
                return message
        raise AssertionError("it did not come")

    def close(self) -> None:
        if self._caller is not None:
            self._caller.close()
        self._server.close()

    def _exactly(self, size: int) -> bytes:
        assert self._caller is not None
        data = b""
        while len(data) < size:
            part = self._caller.recv(size - len(data))
            assert part, "the camera hung up"
            data += part
        return data


def sees(*texts: str) -> Callable[[Message], bool]:
    return lambda message: isinstance(message, Seen) and set(message.texts) == set(texts)


def connected(*, now: bool) -> Callable[[Message], bool]:
    return lambda message: isinstance(message, CameraState) and message.connected is now


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start camera processes that call `agent.sock`, and end them."""
    started: list[subprocess.Popen[bytes]] = []

    def run(source: object, *more: str, **environ: str) -> subprocess.Popen[bytes]:
        where = ("--socket", str(tmp_path / "agent.sock"), "--source", str(source))
        command = (sys.executable, "-m", "edge.scan", "--name", "left", "--lane", "7", *where)
        started.append(subprocess.Popen((*command, *more), env={**os.environ, **environ}))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with closing(Agent(tmp_path / "agent.sock")) as listening:
        yield listening


def until_state(agent: Agent) -> list[Message]:
    """Return what comes until the camera tells how it does."""
    messages = [agent.next()]
    while not isinstance(messages[-1], CameraState):
        messages.append(agent.next())
    return messages


def shown(text: str, seed: int = 1, look: Look = LOOK) -> Grey:
    return render([text], look, np.random.default_rng(seed), SIZE)


def empty(seed: int = 1) -> Grey:
    return render([], LOOK, np.random.default_rng(seed), SIZE)


def folder(path: Path, *frames: Grey) -> Path:
    """Return a folder of these frames."""
    path.mkdir()
    for i, frame in enumerate(frames):
        cv2.imwrite(str(path / f"{i:03}.png"), frame)
    return path


def text(seed: int) -> str:
    return static_text(np.random.default_rng(seed))


def test_it_says_who_it_is_and_what_it_sees(tmp_path: Path, agent: Agent, start: Start) -> None:
    """A camera greets, tells the texts in its frames in turn, and how it does."""
    frames = (shown(text(1)), *[empty(i) for i in range(3)], shown(text(2)))
    start(folder(tmp_path / "frames", *frames), "--fps", "10")
    assert agent.answer() == Hello("camera", "left", "7")
    agent.wait_for(sees(text(1)))
    agent.wait_for(sees(text(2)))
    agent.wait_for(sees(text(1)))
    state = agent.wait_for(
        lambda m: isinstance(m, CameraState) and m.connected and sum(m.stages.values()) > 2
    )
    assert isinstance(state, CameraState)
    assert (state.width, state.height) == (640, 360)
    assert state.frames > 4
    assert 0 <= state.idle <= 1
    assert 20 < state.brightness < 230
    assert state.sharpness > 0


def test_several_codes_in_view_are_all_told(tmp_path: Path, agent: Agent, start: Start) -> None:
    """One frame with two codes is one message with both texts."""
    both = render([text(1), text(2)], LOOK, np.random.default_rng(3), SIZE)
    start(folder(tmp_path / "frames", both), "--fps", "10")
    agent.answer()
    agent.wait_for(sees(text(1), text(2)))


def test_pictures_come_only_while_somebody_watches(
    tmp_path: Path, agent: Agent, start: Start
) -> None:
    """Previews begin with Watch, are small JPEG pictures, and end with it."""
    wide = render([text(1)], LOOK, np.random.default_rng(3), (720, 1280))
    start(folder(tmp_path / "frames", wide), "--fps", "20")
    agent.answer()
    assert not any(isinstance(message, Preview) for message in until_state(agent))
    agent.send(Watch(True))
    picture = agent.wait_for(lambda m: isinstance(m, Preview))
    assert isinstance(picture, Preview)
    decoded = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    assert decoded.shape == (360, 640)
    agent.send(Watch(False))
    until_state(agent)
    assert not any(isinstance(message, Preview) for message in until_state(agent))


def test_it_outlives_its_agent(tmp_path: Path, start: Start) -> None:
    """It waits for an agent, and calls the next one, which hears of the present alone."""
    frames = folder(tmp_path / "frames", shown(text(1)))
    process = start(frames, "--fps", "10")
    for _ in range(2):
        with closing(Agent(tmp_path / "agent.sock")) as agent:
            assert agent.answer().name == "left"
            agent.wait_for(sees(text(1)))
    cv2.imwrite(str(frames / "000.png"), shown(text(2)))
    with closing(Agent(tmp_path / "agent.sock")) as agent:
        agent.answer()
        seen = agent.wait_for(lambda m: isinstance(m, Seen))
        assert isinstance(seen, Seen)
        assert seen.texts in ((text(1),), (text(2),))
        agent.wait_for(sees(text(2)))
    assert process.poll() is None


def test_nonsense_from_the_agent_only_breaks_the_call(
    tmp_path: Path, agent: Agent, start: Start
) -> None:
    """What is no message closes the connection, and the camera calls again."""
    start(folder(tmp_path / "frames", shown(text(1))), "--fps", "10")
    agent.answer()
    assert agent._caller is not None
    agent._caller.sendall(LENGTH.pack(3) + b"\xc1\xc1\xc1")
    assert agent.answer().name == "left"
    agent.wait_for(sees(text(1)))


def test_it_outlives_its_source(tmp_path: Path, agent: Agent, start: Start) -> None:
    """A source that is taken away is told, and opened again when it is back."""
    frames = folder(tmp_path / "frames", shown(text(1)))
    start(frames, "--fps", "10")
    agent.answer()
    agent.wait_for(connected(now=True))
    shutil.rmtree(frames)
    agent.wait_for(connected(now=False))
    folder(frames, shown(text(2)))
    agent.wait_for(sees(text(2)))
    agent.wait_for(connected(now=True))


def test_a_video_plays_once_or_over_and_over(tmp_path: Path, agent: Agent, start: Start) -> None:
    """A video's texts come once; with --loop they come again after the empty frames between."""
    video = tmp_path / "queue.avi"
    write_avi(video, [shown(text(1))] * 5 + [shown(text(2))] * 5, 10)
    once = start(video)
    agent.answer()
    agent.wait_for(sees(text(2)))
    agent.wait_for(connected(now=False))
    once.send_signal(signal.SIGTERM)
    assert once.wait(PATIENCE) == 0
    start(video, "--loop")
    agent.answer()
    for seed in (1, 2, 1, 2):
        agent.wait_for(sees(text(seed)))


def test_it_looks_at_its_region_alone(tmp_path: Path, agent: Agent, start: Start) -> None:
    """Of two codes side by side, the one outside the region is not seen."""
    both = render([text(1), text(2)], LOOK, np.random.default_rng(3), SIZE)
    start(folder(tmp_path / "frames", both), "--fps", "10", "--gate-region", "0.5,0,0.5,1")
    agent.answer()
    seen = agent.wait_for(lambda m: isinstance(m, Seen))
    assert isinstance(seen, Seen)
    assert seen.texts == (text(2),)


def test_it_ends_on_a_signal(tmp_path: Path, agent: Agent, start: Start) -> None:
    """SIGTERM ends it with success, with an agent and without, and systemd hears of it."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with told:
        told.bind(str(tmp_path / "notify.sock"))
        told.settimeout(PATIENCE)
        source = folder(tmp_path / "frames", empty())
        process = start(source, NOTIFY_SOCKET=str(tmp_path / "notify.sock"))
        assert told.recv(100) == b"READY=1"
        assert told.recv(100) == b"WATCHDOG=1"
        agent.answer()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        states = list(iter(lambda: told.recv(100), b"STOPPING=1"))
        assert set(states) <= {b"WATCHDOG=1"}


@pytest.mark.parametrize("region", ["1,2,3", "0,0,0,1", "0.5,0,0.6,1", "a,b,c,d", "nan,0,1,1"])
def test_a_region_lies_inside_the_picture(region: str) -> None:
    """A region that is none is refused on the command line."""
    command = (sys.executable, "-m", "edge.scan", "--name", "a", "--lane", "1", "--source", "0")
    done = subprocess.run(
        (*command, "--socket", "s", "--gate-region", region), capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"--gate-region" in done.stderr
