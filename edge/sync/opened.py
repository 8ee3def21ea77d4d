"""Where the cloud is, and how its certificate is checked."""

import re
import ssl
from typing import Final

from edge.settings import Settings
from edge.store.settings import SettingStore

ORIGIN: Final = "origin"  # the setting that an enrolment writes
LOOPBACK: Final = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?")


def origin_of(settings: Settings, stored: SettingStore) -> str:
    """Return where the cloud is: as set up by hand, or as it was enrolled; empty for nowhere."""
    return settings.cloud.origin or (stored.get(ORIGIN) or b"").decode()


def context_of(origin: str, ca: str = "") -> ssl.SSLContext | bool:
    """Return how to check the cloud's certificate: by the machine's authorities, or by one of
    the owner's, over TLS 1.3. Plain http is for this very machine alone."""
    if LOOPBACK.fullmatch(origin):
        return False
    context = ssl.create_default_context(cafile=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
