"""What every request stands on, made once by the composition root (cloud/app.py)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cloud.db.connect import Pool
from cloud.db.tenancy import TenantTx
from cloud.http.access import Principal

Clock = Callable[[], datetime]


class Sealer(Protocol):
    """Seals what must not be readable at rest (cloud/keys/sealing.py)."""

    def seal(self, secret: bytes, context: str) -> bytes:
        """Return `secret` sealed; only the same `context` opens it."""

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed, or raise."""

    def tags(self, told: bytes, context: str) -> Sequence[bytes]:
        """Return what proves that `told` is from here: of the newest master key first."""


class Gatekeeper(Protocol):
    """Tells who calls (cloud/accounts/gatekeeper.py)."""

    def principal(self, authorization: str, now: datetime) -> Principal:
        """Return what the header proves by itself, or refuse it."""

    async def key_scopes(self, tx: TenantTx, secret: str) -> tuple[str, frozenset[str]]:
        """Return an API key's actor and scopes in the tenant entered, or refuse it."""

    def role_scopes(self, role: str | None) -> frozenset[str]:
        """Return what a role may do in its tenant."""


class SignedRequest(Protocol):
    """The parts of a request that a device signs."""

    method: str
    host: str
    target: str
    authorization: str
    body: bytes


class DeviceCheck(Protocol):
    """Checks a device's signature (cloud/checkins/devices.py)."""

    async def __call__(self, tx: TenantTx, request: SignedRequest, *, revoked_too: bool) -> bytes:
        """Return the id of the device that signed the request, or refuse it."""


class Limiter(Protocol):
    """Counts requests (cloud/http/rate_limit.py)."""

    async def hit(self, bucket: str, per_minute: int) -> int:
        """Count one more; return how many seconds to wait, 0 for none."""


@dataclass(frozen=True)
class Rates:
    """Requests a minute, by who sends them. Each is counted over all workers."""

    address: int = 600  # without credentials, by address
    account: int = 600
    key: int = 60000  # API keys and services
    device: int = 60000
    sensitive: int = 20  # sign-in, sign-up and the like, by address


@dataclass(frozen=True)
class Kernel:
    """Everything a request needs beside its feature."""

    pool: Pool
    clock: Clock  # aware, UTC
    sealer: Sealer
    gatekeeper: Gatekeeper
    devices: DeviceCheck
    limiter: Limiter
    rates: Rates
    new_id: Callable[[], str]  # a request's id
    body_limit: int = 1 << 20  # bytes, where a route doesn't say `body_limit` in its opt
    trusted_proxies: int = 0  # how many addresses at the end of X-Forwarded-For are ours
