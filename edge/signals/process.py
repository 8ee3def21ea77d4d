"""The signals process: hears the agent, drives the pins, and does the right thing without it.

A message counts when it is fresh. A process that was held up for longer than its patience (a
stopped machine, a laptop's lid) hangs up and calls anew, so that what piled up meanwhile
opens nothing.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from edge.link.messages import BadMessage, Beat, Hello, Show, encode
from edge.link.notify import notify
from edge.link.wire import receive
from edge.signals.board import Board
from edge.signals.panel import Fitting, Outputs, Panel, safe
from edge.signals.speaker import Speaker

TURN: Final = 0.1  # seconds between looks at the clock when nothing happens
FIRST_PAUSE: Final = 0.1  # seconds before calling the agent again
LONGEST_PAUSE: Final = 1.0
CALLING: Final = 2.0  # seconds that a call may take
Tell = Callable[[dict[str, Any]], object]


class Signals:
    """`tell` is given every change, in JSON's own types. `clock` counts while asleep, too."""

    def __init__(
        self,
        fitting: Fitting,
        board: Board,
        speaker: Speaker,
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._fitting = fitting
        self._panel = Panel(fitting)
        self._board = board
        self._speaker = speaker
        self._clock = clock
        self._tell = tell
        self._told: dict[str, Any] = {}
        self._turned = clock()
        self._stale = False
        self._alive = False
        self._stirred = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, path: Path, hello: Hello, stop: asyncio.Event) -> None:
        """Run until told to stop; whatever ends it, the outputs are left in their safe state."""
        try:
            self._apply(self._clock())
            async with asyncio.TaskGroup() as tasks:
                running = [self._listen(path, hello), self._turn(), self._speaker.run()]
                started = [tasks.create_task(each) for each in running]
                notify("READY=1")
                await stop.wait()
                notify("STOPPING=1")
                for task in started:
                    task.cancel()
                self._leave()
        finally:
            self._leave()

    def _leave(self) -> None:
        self._put(safe(self._fitting), self._clock(), alive=False)

    async def _turn(self) -> None:
        """Let time pass."""
        while True:
            now = self._clock()
            if now - self._turned > self._fitting.patience:
                self._hang_up()
            self._turned = now
            self._apply(now)
            notify("WATCHDOG=1")
            self._stirred.clear()
            try:
                async with asyncio.timeout(min(TURN, self._panel.due(now) - now)):
                    await self._stirred.wait()
            except TimeoutError:
                continue

    def _hang_up(self) -> None:
        self._stale = True
        if self._writer is not None:
            self._writer.transport.abort()

    async def _listen(self, path: Path, hello: Hello) -> None:
        """Call the agent, again and again."""
        pause = FIRST_PAUSE
        while True:
            heard = await self._call(path, hello)
            pause = FIRST_PAUSE if heard else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _call(self, path: Path, hello: Hello) -> bool:
        """Call once and stay on the line; says whether anything was heard."""
        try:
            async with asyncio.timeout(CALLING):
                reader, writer = await asyncio.open_unix_connection(path)
        except (OSError, TimeoutError):
            return False
        self._writer, self._stale = writer, False
        try:
            writer.write(encode(hello))
            return await self._hear(reader)
        finally:
            self._writer = None
            writer.transport.abort()
            self._panel.lost(self._clock())
            self._apply(self._clock())

    async def _hear(self, reader: asyncio.StreamReader) -> bool:
        """Take messages until the line ends, or nobody knows how old they are."""
        heard = False
        try:
            while (message := await receive(reader)) is not None:
                now = self._clock()
                if self._stale or now - self._turned > self._fitting.patience:
                    break
                heard = True
                self._take(message, now)
        except BadMessage:
            return False
        return heard

    def _take(self, message: object, now: float) -> None:
        if isinstance(message, Beat):
            self._panel.beat(message, now)
        elif isinstance(message, Show) and self._panel.show(message, now):
            self._apply(now)  # the relay first: starting a player takes its time
            self._speaker.play(message.code, message.signal)
            self._tell({"at": round(now, 3), "code": message.code, "signal": message.signal})
        self._stirred.set()

    def _apply(self, now: float) -> None:
        outputs, alive = self._panel.outputs(now), self._panel.alive(now)
        if self._alive and not alive:
            self._speaker.play("", "machine")
        self._alive = alive
        self._put(outputs, now, alive=alive)

    def _put(self, outputs: Outputs, now: float, *, alive: bool) -> None:
        self._board.set(outputs)
        levels = self._board.levels()
        seen = {"agent": alive, "waiting": self._panel.waiting, "levels": levels}
        if seen != self._told:
            self._told = seen
            self._tell({"at": round(now, 3), **seen})
