"""Ports for servers that are restarted at the same address."""

import socket

from cloud.embedded.ports import FIRST, RANGE, free_port


def test_a_port_is_none_that_outgoing_connections_are_given() -> None:
    outgoing = int(RANGE.read_text().split()[0])
    for _ in range(200):
        port = free_port()
        assert FIRST <= port < max(outgoing, FIRST + 1)
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_taken_port_is_not_given() -> None:
    taken = [socket.create_server(("127.0.0.1", free_port())) for _ in range(50)]
    try:
        ports = {each.getsockname()[1] for each in taken}
        assert ports.isdisjoint(free_port() for _ in range(200))
    finally:
        for each in taken:
            each.close()
