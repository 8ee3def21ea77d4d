"""What is to be mailed to accounts: put down in the platform's outbox, sent by its dispatcher.

A payload holds ids, and secrets sealed: a copy of the database opens no account. Whoever sends
the mail looks up the address by `account_id` and opens the secret by `opened`.

    mail.verify    {account_id, sealed}  prove the address (POST /v1/accounts/verify)
    mail.reset     {account_id, sealed}  choose a new password
    mail.known     {account_id}          somebody signed up with this address again
    mail.changed   {account_id}          the password was changed
    mail.reused    {account_id}          a session was ended because its token was copied
"""

import hashlib
from collections.abc import Mapping
from typing import Final, LiteralString

from cloud.accounts import base64url
from cloud.db.tenancy import PlatformTx
from cloud.http.kernel import Sealer

PREFIX: Final = "ums_"
RANDOM_SIZE: Final = 32
POST: Final[LiteralString] = """
    INSERT INTO platform_outbox (topic, key, payload, request_id) VALUES ($1, $2, $3, $4)
"""


def new_secret(random: bytes) -> str:
    """Return a secret to be mailed, of 32 random bytes."""
    if len(random) != RANDOM_SIZE:
        raise ValueError("a mailed secret has 32 random bytes")
    return PREFIX + base64url.encode(random)


def secret_hash(secret: str) -> bytes:
    """Return what is stored of a mailed secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def sealed(sealer: Sealer, topic: str, key: str, secret: str) -> str:
    """Return a secret as a message of `topic` and `key` carries it."""
    return base64url.encode(sealer.seal(secret.encode(), f"{topic}/{key}"))


def opened(sealer: Sealer, topic: str, key: str, payload: Mapping[str, str]) -> str:
    """Return the secret that a message carries."""
    return sealer.unseal(base64url.decode(payload["sealed"]), f"{topic}/{key}").decode()


async def post(ptx: PlatformTx, topic: str, key: str, **payload: object) -> None:
    """Put down a message, in the transaction of what it tells of."""
    await ptx.conn.execute(POST, topic, key, payload, ptx.origin.request_id)
