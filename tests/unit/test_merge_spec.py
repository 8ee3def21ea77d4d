"""The worked example of spec/merge.md is what the code computes."""

from pathlib import Path

import shared
from shared.hashing import after_right
from shared.log.record import Kind, decode, record_id
from shared.merge.incidents import Incident
from tests.scribe import root
from tests.vectors.suite import load

SPEC = (Path(shared.__file__).parent / "spec" / "merge.md").read_text(encoding="utf-8")


def test_every_name_of_the_example_is_right() -> None:
    """Event, ticket, root right, the ids of the three records and the right after the exit."""
    suite = load("merge")
    [case] = [v for v in suite["vectors"] if v["name"] == "unseen-exit-bound"]
    raws = [bytes.fromhex(raw) for raw in case["input"]["records"]]
    ids = [record_id(raw) for raw in raws if decode(raw).kind != Kind.BOOT]
    names = [bytes.fromhex(suite["event"]), bytes.fromhex(suite["ticket"]), root("ticket"), *ids]
    names.append(after_right(ids[1]))
    assert all(name.hex() in SPEC for name in names)


def test_every_kind_of_incident_is_in_its_table() -> None:
    """A kind that the spec doesn't know could not be implemented by a third party."""
    assert all(f"| `{kind}` |" in SPEC for kind in Incident)
