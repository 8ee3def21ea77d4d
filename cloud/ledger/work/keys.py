"""The keys that sign, and the addresses of fans who have none of their own.

All are derived from one secret of 32 bytes, which is sealed at rest under the master key: nothing
else has to be kept, and a key can be handed over. `kind` and `name` say whose it is.
"""

import hmac
import secrets
from collections.abc import Iterable
from typing import Final, LiteralString, NamedTuple, Protocol
from uuid import UUID

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.http.kernel import Sealer
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.faults import LedgerRefused

DOMAIN: Final = b"usher/ledger-key/v1\0"
CONTEXT: Final = "ledger-root"
SIZE: Final = 32
HELD: Final = 64  # keys for one signature, of which some are never asked for
BEGIN: Final[LiteralString] = "INSERT INTO ledger_root (sealed) VALUES ($1) ON CONFLICT DO NOTHING"
READ: Final[LiteralString] = "SELECT sealed FROM ledger_root"
WRITE: Final[LiteralString] = "UPDATE ledger_root SET sealed = $1"


class Resealer(Sealer, Protocol):
    """A sealer whose master key may be replaced."""

    def needs_reseal(self, sealed: bytes) -> bool:
        """Say whether an older master key has sealed this."""


class Fan(NamedTuple):
    """Somebody for whom we keep an address, the one after as many as were handed over."""

    account: UUID
    exports: int = 0


class Keys:
    """A `Signer`. New keys, of trees and collections, are forgotten once they have signed: what
    they make obeys the authority."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        payer = self._derived("payer")
        self._ours = {payer.pubkey(): payer}
        self._held: dict[Pubkey, Keypair] = {}
        # One key pays and decides: a second, of the same root, would protect nothing, and its
        # signature takes the room of a mint in each transaction.
        self.parties = Parties(payer.pubkey(), payer.pubkey())

    def create(self) -> Pubkey:
        """Make a key, for one signature."""
        return self._hold(Keypair())

    def sign(self, key: Pubkey, message: bytes) -> Signature:
        """Sign."""
        held = self._ours.get(key) or self._held.pop(key, None)
        if held is None:
            raise LedgerRefused("no_key", "the key is not ours")
        return held.sign_message(message)

    def fan(self, tenant: UUID, fan: Fan) -> Pubkey:
        """Return the address that we keep for a fan: another in each tenant."""
        return self.of_fan(tenant, fan).pubkey()

    def of_fan(self, tenant: UUID, fan: Fan) -> Keypair:
        """Return its key, to be handed over."""
        after = fan.exports.to_bytes(4, "big") if fan.exports else b""
        return self._derived("fan", tenant.bytes + fan.account.bytes + after)

    def bearer(self, tenant: UUID, ticket: UUID) -> Pubkey:
        """Return the address of a ticket that is no account's."""
        return self._derived("ticket", tenant.bytes + ticket.bytes).pubkey()

    def lend(self, owner: Pubkey, tenant: UUID, ticket: UUID, fans: Iterable[Fan]) -> bool:
        """Have the key of an address that we keep at hand, for one signature. False: it is kept
        neither for the ticket nor for one of *fans*; one that was handed over is not."""
        kept = [self._derived("ticket", tenant.bytes + ticket.bytes)]
        kept += [self.of_fan(tenant, fan) for fan in fans]
        found = next((each for each in kept if each.pubkey() == owner), None)
        if found is not None:
            self._hold(found)
        return found is not None

    def _hold(self, key: Keypair) -> Pubkey:
        """Keep a key at hand. What was to be signed may have failed before: the oldest go."""
        self._held[key.pubkey()] = key
        while len(self._held) > HELD:
            del self._held[next(iter(self._held))]
        return key.pubkey()

    def __repr__(self) -> str:
        return f"Keys({self.parties.payer})"

    def _derived(self, kind: str, name: bytes = b"") -> Keypair:
        told = DOMAIN + kind.encode() + b"\0" + name
        return Keypair.from_seed(hmac.digest(self._root, told, "sha256"))


async def opened(tx: PlatformTx | TenantTx, sealer: Sealer) -> Keys:
    """Return the keys; the first time they are made. Raises `SealBroken`."""
    sealed = await tx.conn.fetchval(READ)
    if sealed is None:
        await tx.conn.execute(BEGIN, sealer.seal(secrets.token_bytes(SIZE), CONTEXT))
        sealed = await tx.conn.fetchval(READ)
    return Keys(sealer.unseal(sealed, CONTEXT))


async def reseal(tx: PlatformTx, sealer: Resealer) -> int:
    """Seal anew what an older master key has sealed; return how many."""
    sealed = await tx.conn.fetchval(READ)
    if sealed is None or not sealer.needs_reseal(sealed):
        return 0
    await tx.conn.execute(WRITE, sealer.seal(sealer.unseal(sealed, CONTEXT), CONTEXT))
    return 1
