"""Bytes sent to a service as they stand, and what it answers: for what no client would send."""

import socket
from typing import Final
from urllib.parse import urlsplit

WAIT: Final = 60.0  # seconds


class Wire:
    """One connection."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._socket = socket.create_connection((place.hostname, place.port), WAIT)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(content)

    def read(self) -> bytes:
        """Return all that comes until the other side hangs up."""
        came = b""
        while True:
            try:
                piece = self._socket.recv(65536)
            except ConnectionResetError:
                return came
            if not piece:
                return came
            came += piece


def exchange(address: str, content: bytes) -> bytes:
    """Send bytes on a connection of their own, and return all that is answered."""
    with Wire(address) as wire:
        wire.send(content)
        return wire.read()


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer that there is."""
    lines = answer.split(b"\r\n")
    return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/1.")]
