"""Whom the tests' clients trust, read once.

httpx reads the authorities of the whole world for each client that is told nothing else: 27 ms of
processor time, also of one that speaks no TLS.
"""

from typing import Final

import httpx

TRUST: Final = httpx.create_ssl_context()
