"""A device changes its key (spec/sync.md §5).

    the new key, 32 bytes | its signature over old device id || new key, 64 bytes

The request that carries this is signed by the old key. So both keys agree: nobody lists a key
that isn't theirs, and nobody else's key takes a device's place.
"""

from typing import Final

from shared import keys
from shared.errors import Untrusted

DOMAIN: Final = b"usher/roll/v1\0"
SIZE: Final = keys.PUBLIC_SIZE + keys.SIGNATURE_SIZE


def roll(device: bytes, secret: bytes) -> bytes:
    """Return what a device sends. `device`: its id by the old key; `secret`: the new one."""
    pk = keys.public_key(secret)
    return pk + keys.sign(secret, DOMAIN, device + pk)


def check_roll(device: bytes, raw: bytes) -> bytes:
    """Return the new public key of the device that the request came from."""
    pk, signature = raw[: keys.PUBLIC_SIZE], raw[keys.PUBLIC_SIZE :]
    if not (keys.is_valid_point(pk) and keys.verify(pk, DOMAIN, device + pk, signature)):
        raise Untrusted("enrol_bad_proof")
    return pk
