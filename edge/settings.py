"""How one appliance is set up: a TOML file, read once and passed down.

Secrets are not in it: the device's key and the certificate's key are files of their own,
handed over by systemd where it can.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]

# https, or plain http to this very machine; nothing behind host and port.
ORIGIN = r"\A(https://[^/\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)?\Z"


class BadSettings(Exception):
    """The settings file can't be read or says something impossible."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every table: a misspelt name is refused, not passed over."""


class LaneSettings(Strict, frozen=True):
    """A place of scanning that a technician sets up."""

    id: Name
    kind: Literal["kiosk", "api"] = "kiosk"
    unattended: bool = False  # scans without anybody signed in
    camera: str = ""  # the name of the camera in front of it


class CameraSettings(Strict, frozen=True):
    """A camera; each runs in a process of its own."""

    name: Name
    source: str  # usb:0, csi:0, rtsp://…, or a file or folder
    lane: Name
    fps: int = 30


class ReaderSettings(Strict, frozen=True):
    """A keyboard-wedge or serial reader."""

    name: Name
    kind: Literal["keyboard", "serial"]
    device: str  # /dev/input/by-id/… or /dev/serial/by-id/…
    lane: Name
    baud: int = 9600


class WebSettings(Strict, frozen=True):
    """Where staff screens are served, over TLS."""

    host: str = "0.0.0.0"  # noqa: S104  handhelds on the venue's LAN
    port: Annotated[int, Meta(ge=0, le=65535)] = 8443
    names: tuple[str, ...] = ()  # that browsers may use; none: those of the certificate
    certificate: str = "tls.crt"  # with its chain; relative to the data folder
    key: str = "tls.key"


class LanSettings(Strict, frozen=True):
    """How this gate talks to the others of its site (spec/lan.md). It listens once the organizer's
    roster names it: before, nobody has business with it."""

    enabled: bool = True
    host: str = "0.0.0.0"  # noqa: S104  the other gates on the venue's LAN
    port: Annotated[int, Meta(ge=0, le=65535)] = 8444
    peers: tuple[str, ...] = ()  # host:port of gates that discovery does not find
    discovery: bool = True  # by multicast DNS; who is found still has to be on the roster

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """`peers` as hosts and ports; raises `ValueError` for what is none."""
        return tuple(_address(each) for each in self.peers)


class CloudSettings(Strict, frozen=True):
    """Where the cloud is, for a gate that was set up without an enrolment code."""

    origin: Annotated[str, Meta(pattern=ORIGIN)] = ""  # none: what the enrolment said
    ca: str = ""  # the authority of its certificate, a PEM file; none: those of the machine
    trace: bool = False  # have each request begin a trace, which the cloud's collector is sent


class Settings(Strict, frozen=True):
    """One appliance."""

    data: str = "/var/lib/usher"
    run: str = "/run/usher"
    name: str = "gate"
    # What vouches for the wall clock (spec/log.md §7): a clock that runs on a battery, a time
    # source that the owner answers for, or nothing.
    clock: Literal["battery", "network", "none"] = "none"
    lock_after: Annotated[int, Meta(ge=30, le=86_400)] = 600  # idle seconds until a lane locks
    power: bool = True  # health looks for mains and battery
    web: WebSettings = WebSettings()
    lan: LanSettings = LanSettings()
    cloud: CloudSettings = CloudSettings()
    lanes: tuple[LaneSettings, ...] = (LaneSettings("kiosk"),)
    cameras: tuple[CameraSettings, ...] = ()
    readers: tuple[ReaderSettings, ...] = ()

    @property
    def data_folder(self) -> Path:
        """Where everything lies that must survive."""
        return Path(self.data)

    @property
    def socket(self) -> Path:
        """Where the agent listens for cameras, signals and commands."""
        return Path(self.run) / "agent.sock"


def read_settings(path: Path) -> Settings:
    """Return what a file says, or say which line of it is wrong."""
    try:
        with path.open("rb") as file:
            return settings_of(tomllib.load(file))
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}: {error}") from None


def settings_of(values: dict[str, Any]) -> Settings:
    """Return settings from plain values."""
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise BadSettings(str(error)) from None
    lanes = [lane.id for lane in settings.lanes]
    if len(set(lanes)) != len(lanes):
        raise BadSettings("two lanes have the same id")
    placed = [(camera.name, camera.lane) for camera in settings.cameras]
    placed += [(reader.name, reader.lane) for reader in settings.readers]
    for name, lane in placed:
        if lane not in lanes:
            raise BadSettings(f"{name} names the lane {lane}, which is not there")
    try:
        settings.lan.addresses  # noqa: B018  a wrong one is told now, and not when it is dialled
    except ValueError as error:
        raise BadSettings(str(error)) from None
    return settings


def _address(text: str) -> tuple[str, int]:
    """Return host and port; an IPv6 address stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) <= 0xFFFF):
        raise ValueError(f"{text!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)
