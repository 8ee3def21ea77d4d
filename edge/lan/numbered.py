"""Connections by number: what a peer says to a claim counts on the one that it was asked on.

A peer that starts anew, or whose line broke, knows nothing of what it said before; its next
connection has another number.
"""

from collections.abc import Mapping
from itertools import count

from edge.lan.peer import Peer
from edge.lan.peers import Peers


class Numbered:
    """Used by the event loop alone. `me` is reached by number 0, for ever."""

    def __init__(self, peers: Peers, me: bytes) -> None:
        self._peers = peers
        self._me = me
        self._numbers: dict[Peer, int] = {}
        self._count = count(1)

    def begins(self, peer: Peer) -> None:
        """Give a new connection its number."""
        self._numbers[peer] = next(self._count)

    def ends(self, peer: Peer) -> None:
        """Forget a connection."""
        self._numbers.pop(peer, None)

    def find(self, device: bytes, number: int) -> Peer | None:
        """Return the connection to a device, if it is still that one."""
        peer = self._peers.get(device)
        return peer if peer is not None and self._numbers.get(peer) == number else None

    def stands(self, peer: Peer) -> bool:
        """Whether a connection is still the one to its device."""
        return self._peers.get(peer.device) is peer

    def members(self, roster: int) -> Mapping[bytes, int]:
        """Return the connections to members that go by this roster, and to ourselves."""
        same = [peer for peer in self._peers.all() if peer.news.roster == roster]
        numbers = {peer.device: self._numbers[peer] for peer in same if peer in self._numbers}
        return numbers | {self._me: 0}
