"""What is done at a machine as by hand: a code before its camera, a look at its screen, a unit that
is made to run otherwise."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import qrcode
from PIL import Image

from tests.ops.machines import Machine

RED: Final = (0x9C, 0x0D, 0x12)  # "--refuse" of shared/design/tokens.css
# What is on the screen, as a picture.
SCREEN: Final = (
    "runuser -u usher-kiosk -- env XDG_RUNTIME_DIR=/run/user/$(id -u usher-kiosk)"
    " WAYLAND_DISPLAY=wayland-0 grim -"
)
# What the browser has been shown: its addresses and titles.
SHOWN: Final = (
    "python3 -c 'import sqlite3; print(sqlite3.connect("
    '"file:/var/lib/usher-kiosk/Default/History?immutable=1", uri=True)'
    '.execute("SELECT url, title FROM urls").fetchall())\''
)
# A machine in a container has no screen and no console. With two screens, over which the page is
# stretched, the compositor draws each picture itself: one that it hands on is in no picture of it.
UNSEEN: Final = """[Service]
Environment=WLR_BACKENDS=headless WLR_HEADLESS_OUTPUTS=2
Environment=WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
StandardInput=null
TTYPath=
TTYReset=no
TTYVHangup=no
TTYVTDisallocate=no
UtmpIdentifier=
"""
# A gate that is slow to come back.
HELD: Final = """[Service]
ExecStartPre=/bin/sh -c 'until test -e /run/held-no-more; do sleep 0.2; done'
"""


@contextmanager
def shown(gate: Machine, text: str) -> Iterator[None]:
    """Hold a code before a gate's camera."""
    queue = gate.site.folder / gate.name / "root" / "srv" / "queue"
    queue.mkdir()
    picture = qrcode.QRCode(border=8, box_size=6)
    picture.add_data(text)
    picture.make_image().get_image().convert("RGB").resize((640, 640)).save(queue / "guest.png")
    queue.chmod(0o755)
    (queue / "guest.png").chmod(0o644)
    try:
        yield
    finally:
        shutil.rmtree(queue)


def have_run(machine: Machine, unit: str, lines: str) -> None:
    """Have a unit run as these say, until it is changed again."""
    place = f"/run/systemd/system/{unit}.service.d"
    written = f"mkdir -p {place} && cat > {place}/test.conf <<'END'\n{lines}END"
    machine.sh(f"{written}\nsystemctl daemon-reload")


def screen_of(gate: Machine) -> Image.Image:
    """Return what the kiosk's compositor shows."""
    gate.sh(f"{SCREEN} > /srv/screen.png")
    return Image.open(gate.site.folder / gate.name / "root" / "srv" / "screen.png")


def is_mostly(screen: Image.Image, colour: tuple[int, int, int]) -> bool:
    """Whether most of a picture is of a colour."""
    pixels = screen.convert("RGB").getcolors(screen.width * screen.height) or []
    return sum(n for n, each in pixels if each == colour) * 2 > screen.width * screen.height
