"""A device's new key is proved to the old one's holder, and to nobody else."""

import pytest

from shared import hashing, keys
from shared.devices.roll import SIZE, check_roll, roll
from shared.errors import Untrusted
from tests.vectors import wire
from tests.vectors.spec import examples

OLD = hashing.device_id(wire.public(wire.seed("gate A")))
NEW = wire.seed("gate A, its next key")
RAW = roll(OLD, NEW)


def test_the_new_key_is_what_was_signed() -> None:
    """As another implementation signs it."""
    assert wire.public(NEW) + wire.sign(NEW, "roll", OLD + wire.public(NEW)) == RAW
    assert examples("sync.md")["roll"] == RAW
    assert len(RAW) == SIZE == 96
    assert check_roll(OLD, RAW) == wire.public(NEW)


WRONG = {
    "for another device": (bytes(16), RAW),
    "another key": (OLD, wire.public(wire.seed("gate B")) + RAW[32:]),
    "a weak key": (OLD, (1).to_bytes(32, "little") + RAW[32:]),
    "another domain": (
        OLD,
        wire.public(NEW) + keys.sign(NEW, b"usher/request/v1\0", OLD + wire.public(NEW)),
    ),
    "nothing": (OLD, b""),
    "too short": (OLD, RAW[:-1]),
    "too long": (OLD, RAW + b"\0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_proves_nothing_is_refused(name: str) -> None:
    """Whatever is wrong, the key is not proved."""
    with pytest.raises(Untrusted) as error:
        check_roll(*WRONG[name])
    assert error.value.code == "enrol_bad_proof"
