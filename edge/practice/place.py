"""A folder with a whole gate in it, as a technician would have left it."""

import datetime
from pathlib import Path
from typing import Final

from edge.certs import make_authority, make_server, store
from edge.practice.world import World, post_lane
from edge.settings import CameraSettings, LaneSettings, LanSettings, Settings, WebSettings

CAMERA: Final = "front"
KIOSK: Final = "kiosk"


def practice_settings(folder: Path, host: str, port: int, *, camera: bool) -> Settings:
    """Return the settings of a gate that lives in one folder."""
    source = CameraSettings(CAMERA, str(folder / "film"), KIOSK, fps=10)
    return Settings(
        data=str(folder / "gate"),
        run=str(folder / "run"),
        name="Practice gate",
        clock="network",
        power=False,
        lan=LanSettings(enabled=False),  # it is alone on purpose
        web=WebSettings(host, port, tuple(dict.fromkeys((host, "localhost", "127.0.0.1")))),
        lanes=(
            LaneSettings(KIOSK, unattended=True, camera=CAMERA if camera else ""),
            LaneSettings("turnstile", "api", unattended=True),
        ),
        cameras=(source,) if camera else (),
    )


def provision(world: World, settings: Settings, *, names: bool = True) -> None:
    """Load a gate, post its lanes, and give it a certificate of a venue authority."""
    folder = settings.data_folder
    world.install(settings, names=names)
    for lane in settings.lanes:
        post_lane(settings, lane.id)
    now = datetime.datetime.now(datetime.UTC)
    hosts = settings.web.names
    authority = make_authority("Usher practice venue", hosts, now)
    store(make_server(authority, hosts, now), folder / "tls.crt", folder / "tls.key")
    (folder / "ca.crt").write_bytes(authority.certificate)
