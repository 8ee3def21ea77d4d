"""`usher-edge signals`: lamp, turnstile and speaker of one lane."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click
from gpiozero.exc import BadPinFactory

from edge.link.messages import Hello
from edge.signals.board import LIGHTS, RELAYS, Board, Pin
from edge.signals.lines import STDERR, Lines
from edge.signals.panel import Fitting, safe
from edge.signals.process import Signals
from edge.signals.speaker import Speaker, find_player

SAME: Final = ("entry_fails", "exit_fails", "show", "pulse", "gap")  # as in `Fitting`
FAILS: Final = click.Choice(["locked", "open"])
PIN: Final = click.IntRange(0, 27)
SECONDS: Final = click.FloatRange(0.05, 60)


@click.command(context_settings={"auto_envvar_prefix": "USHER_SIGNALS", "show_default": True})
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    required=True,
    help="The agent's socket, in its run folder.",
)
@click.option("--lane", required=True, help="The lane whose verdicts are shown.")
@click.option("--green", type=PIN, help="The green light's line, by its BCM number.")
@click.option("--amber", type=PIN, help="The amber light's line.")
@click.option("--red", type=PIN, help="The red light's line.")
@click.option("--lamp-inverted", is_flag=True, help="The lights are on when their line is low.")
@click.option("--entry", type=PIN, help="The line of the relay that lets people in.")
@click.option("--entry-fails", type=FAILS, default="locked", help="When the gate can't decide.")
@click.option("--entry-inverted", is_flag=True, help="Low lets pass.")
@click.option("--exit", type=PIN, help="The line of a relay for leaving alone.")
@click.option("--exit-fails", type=FAILS, default="open", help="When the gate can't decide.")
@click.option("--exit-inverted", is_flag=True, help="Low lets pass.")
@click.option("--pulse", type=SECONDS, default=0.5, help="Seconds that a relay is on, a person.")
@click.option("--gap", type=SECONDS, default=0.7, help="Seconds between two people.")
@click.option("--show", type=SECONDS, default=4.0, help="Seconds that the lamp shows a verdict.")
@click.option("--speaker", default="default", help="ALSA's name for the speaker: see aplay -L.")
@click.option("--mute", is_flag=True, help="Make no sound.")
@click.option(
    "--print",
    "printing",
    is_flag=True,
    help="Print each change as a line of JSON; a slow reader misses some, which `dropped` counts.",
)
def signals(socket: Path, lane: str, **given: Any) -> None:
    """Run lamp, turnstile and speaker of one lane.

    It needs no agent to start: it waits for one. While none answers, or while the agent can't
    write its log, each relay is as --entry-fails and --exit-fails say and the lamp alternates.
    It ends on SIGTERM and leaves the same state behind.

    Once this process has ended, its lines are inputs and drive nothing. A door that has to be
    open then needs a relay that opens it without power, and --entry-inverted or
    --exit-inverted.

    Every option may be set by the environment as well: USHER_SIGNALS_GREEN=17.

    \b
    Examples:
      usher-edge signals --socket /run/usher/agent.sock --lane kiosk \\
        --green 17 --amber 27 --red 22 --entry 5
      usher-edge signals --socket /run/usher/agent.sock --lane out \\
        --exit 6 --exit-fails open --exit-inverted --mute
      GPIOZERO_PIN_FACTORY=mock usher-edge signals --socket agent.sock --lane kiosk \\
        --red 22 --entry 5 --print       # a laptop without lines
    """
    pins = _pins(given)
    if len({pin.number for pin in pins.values()}) < len(pins):
        raise click.UsageError("two outputs have the same line")
    fitting = _fitting(lane, given, pins)
    try:
        board = Board(pins, safe(fitting))
    except BadPinFactory:
        raise click.ClickException(
            "this machine has no GPIO lines; to try without, set GPIOZERO_PIN_FACTORY=mock"
        ) from None
    lines = Lines()
    try:
        asyncio.run(_run(socket, fitting, board, given, lines))
    finally:
        board.close()
        lines.close()


def _pins(given: Mapping[str, Any]) -> dict[str, Pin]:
    inverted = dict.fromkeys(LIGHTS, given["lamp_inverted"])
    inverted |= {name: given[f"{name}_inverted"] for name in RELAYS}
    wired = {name: given[name] for name in inverted if given[name] is not None}
    return {name: Pin(number, inverted[name]) for name, number in wired.items()}


def _fitting(lane: str, given: Mapping[str, Any], pins: Mapping[str, Pin]) -> Fitting:
    same: dict[str, Any] = {name: given[name] for name in SAME}
    return Fitting(lane, exit_relay="exit" in pins, amber="amber" in pins, **same)


async def _run(
    socket: Path, fitting: Fitting, board: Board, given: Mapping[str, Any], lines: Lines
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def no_sound(why: str) -> None:
        lines.put(f"no sound: {why}", STDERR)

    def tell(change: Mapping[str, Any]) -> None:
        if given["printing"]:
            lost = {"dropped": lines.dropped} if lines.dropped else {}
            lines.put(json.dumps({**change, **lost}))

    speaker = Speaker(_player(given, no_sound), no_sound)
    running = Signals(fitting, board, speaker, _seconds, tell)
    await running.run(socket, Hello("signals", fitting.lane, fitting.lane), stop)


def _player(given: Mapping[str, Any], no_sound: Callable[[str], None]) -> tuple[str, ...]:
    if given["mute"]:
        return ()
    if not (player := find_player(given["speaker"])):
        no_sound("player_missing (install alsa-utils, or give --mute)")
    return player


def _seconds() -> float:
    """Return a clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
