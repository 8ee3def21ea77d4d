"""Playing sounds by `aplay`, beside everything else: a hung sound driver holds up no relay.

Only the newest verdict is of use, so it ends the sound before it.
"""

import asyncio
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from edge.gate.sounds import SOUNDS, sound_of
from edge.signals.pcm import wav

LIMIT: Final = 3.0  # seconds; no sound is half as long


def find_player(device: str = "default") -> tuple[str, ...]:
    """Return the command that plays a WAV file from its standard input; empty if there is none."""
    path = shutil.which("aplay")
    return (path, "--quiet", "--device", device, "-") if path else ()


class Speaker:
    """`told` hears of each trouble with the player, by a code."""

    def __init__(self, player: Sequence[str], told: Callable[[str], object]) -> None:
        self._player = player
        self._told = told
        self._sounds = {sound: wav(sound) for sound in SOUNDS.values()} if player else {}
        self._next = b""
        self._asked = asyncio.Event()

    def play(self, code: str, signal: str) -> None:
        """Have a verdict's sound played soon; returns at once."""
        if self._player and (sound := sound_of(code, signal)):
            self._next = self._sounds[sound]
            self._asked.set()

    async def run(self) -> None:
        """Play what is asked for."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._play(self._next)
            except OSError:
                self._told("player_failed")

    async def _play(self, sound: bytes) -> None:
        process = await asyncio.create_subprocess_exec(*self._player, stdin=PIPE)
        playing = asyncio.create_task(process.communicate(sound))
        asked = asyncio.create_task(self._asked.wait())
        try:
            both = {playing, asked}
            await asyncio.wait(both, timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            late = not playing.done()
            if late:
                await self._end(process, playing)
        if late and not self._asked.is_set():
            self._told("player_hung")
        elif not late and process.returncode:
            self._told("player_failed")

    async def _end(self, process: Process, playing: "asyncio.Task[object]") -> None:
        with suppress(ProcessLookupError):  # it was quicker
            process.kill()
        await asyncio.wait({playing}, timeout=LIMIT)
        if not playing.done():  # stuck in its driver: another would get stuck as well
            self._player = ()
            self._told("player_stuck")
