"""`usher-edge roll` as a process of its own, which dies before a step: a touch of key files, or a
connection to the cloud, of which the new key has its own.

python -m tests.together.rolling GATE.toml STEP
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from edge.cli import main
from edge.settings import read_settings
from edge.store.stores import KEY

TOUCHING: Final = frozenset({"open", "os.link", "os.remove", "os.rename"})
CALLING: Final = "socket.connect"


def dying_before(step: int, folder: Path) -> None:
    """Have this process end as by a power cut before it calls the cloud, touches a key's file, or
    the names in the folder, for the so-manieth time."""
    left, ours = [step], f"{folder / Path(KEY).stem}."

    def hook(event: str, args: tuple[Any, ...]) -> None:
        named = event in TOUCHING and str(args[0])
        if event == CALLING or (named and (named.startswith(ours) or named == str(folder))):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

    sys.addaudithook(hook)


if __name__ == "__main__":
    dying_before(int(sys.argv[2]), read_settings(Path(sys.argv[1])).data_folder)
    main(["-c", sys.argv[1], "roll"], prog_name="usher-edge")
