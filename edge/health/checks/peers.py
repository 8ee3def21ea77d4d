"""Does this gate reach the other gates?"""

from edge.health.reading import Reading
from edge.health.result import OK, WARN, Result, unseen
from edge.health.units import counted


def check(reading: Reading) -> Result:
    """A gate works alone; two that can't hear each other can't see a ticket used twice."""
    link = reading.link
    if link is None:
        return unseen("peers")
    if link.distrusted:
        todo = "Call the organizer: that gate should be looked at, and perhaps revoked."
        sentence = "A gate nearby sent what nobody signed who may. It is not listened to."
        return Result("peers", WARN, "peers_distrusted", ", ".join(link.distrusted), sentence, todo)
    if link.peers < link.expected:
        value = f"{link.peers} of {link.expected}"
        todo = "Check the network between the gates: cables, access points, the other gates' power."
        sentence = "Some gates can't be reached. The same ticket could pass at two of them."
        return Result("peers", WARN, "peers_missing", value, sentence, todo)
    if link.peers:
        value = counted(link.peers, "gate")
        return Result("peers", OK, "peers_ok", value, "The other gates are reached.")
    sentence = "This gate works alone, as it is set up."
    return Result("peers", OK, "peers_alone", "alone", sentence)
