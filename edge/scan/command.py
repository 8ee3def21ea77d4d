"""`usher-edge camera`: read the codes that one camera sees and tell the agent."""

import logging
import signal
import threading
from pathlib import Path

import click

from edge.scan.settings import Region, Settings


class Shares(click.ParamType[Region]):
    """Four numbers from 0 to 1: left, top, width and height of a part of the picture."""

    name = "L,T,W,H"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Region:
        try:
            left, top, width, height = (float(part) for part in value.split(","))
        except ValueError:
            self.fail("give four numbers, such as 0.2,0,0.6,1", param, ctx)
        inside = 0 <= left < left + width <= 1 and 0 <= top < top + height <= 1
        if not inside:
            self.fail("the part must lie inside the picture, in shares from 0 to 1", param, ctx)
        return left, top, width, height


@click.command(context_settings={"auto_envvar_prefix": "USHER_CAMERA"})
@click.option("--name", required=True, help="The camera's name, one of its own at this appliance.")
@click.option("--source", required=True, help="Where pictures come from; see below.")
@click.option("--lane", required=True, help="The lane that it looks at.")
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    required=True,
    help="The agent's socket, in its run folder.",
)
@click.option(
    "--fps",
    type=click.IntRange(1, 120),
    default=30,
    show_default=True,
    help="Frames a second to ask for. A video file has its own.",
)
@click.option("--gate-region", type=Shares(), help="Look only at this part of the picture.")
@click.option("--loop", is_flag=True, help="Play a video file over and over.")
def camera(
    name: str,
    source: str,
    lane: str,
    socket: Path,
    fps: int,
    gate_region: Region | None,
    loop: bool,
) -> None:
    """Read the codes that one camera sees and tell the agent.

    It needs no agent to start and no camera either: it waits for both. It ends on SIGTERM.

    \b
    Sources:
      0, /dev/video2         a USB camera
      csi, csi:1             a Raspberry Pi's camera (needs rpicam-vid)
      rtsp://10.0.0.9/lane   a network camera
      frames/                a folder of images, over and over
      queue.avi              a video file, once or with --loop

    Every option may be set by the environment as well: USHER_CAMERA_SOURCE=usb:0.

    \b
    Examples:
      usher-edge camera --name left --source 0 --lane 1 --socket /run/usher/agent.sock
      usher-edge camera --name test --source frames/ --fps 5 --lane 1 --socket agent.sock
    """
    # OpenCV is for this process alone, not for whoever imports the command
    from edge.scan.camera import run_camera  # noqa: PLC0415
    from edge.scan.newest import Stuck  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_camera(Settings(name, source, lane, socket, fps, gate_region, loop), stop)
    except Stuck:
        raise click.ClickException("the camera's driver hangs; start this process anew") from None
