"""A device as it is before, while and after it enrols: keys, nonces, signed requests."""

import os
from collections.abc import Mapping
from typing import Any, Final

import httpx

from shared import hashing, keys
from shared.devices import enrolment
from shared.devices.request import Request, body_hash, sign_request
from shared.devices.roster import TrustedRoster
from shared.instant import Instant
from shared.keyset import TrustedKeys
from tests.cloud.service import Service, Tenant, good

OCTETS: Final = {"content-type": "application/octet-stream"}


class Machine:
    """One appliance. What it trusts begins with the root that it was told of."""

    def __init__(self, service: Service, tenant: Tenant) -> None:
        self.service = service
        self.tenant = tenant
        self.http = service.client()
        self.secret = keys.secret_key(os.urandom(32))
        self.nonce = os.urandom(16)
        self.challenge = b""
        root = good(self.http.get(f"{tenant.path}/root"))["root"]
        self.trusted = TrustedKeys(bytes.fromhex(root))
        self.members = TrustedRoster(tenant.tenant_id.bytes)

    @property
    def pk(self) -> bytes:
        """Its public key."""
        return keys.public_key(self.secret)

    @property
    def id(self) -> str:
        """Its name."""
        return hashing.device_id(self.pk).hex()

    def now(self) -> Instant:
        """The time."""
        return Instant(int(self.service.clock().timestamp() * 1000))

    # -- before it is enrolled --

    def hello(self, offer: str) -> httpx.Response:
        """Claim an offer; keep the challenge."""
        parsed = enrolment.parse_offer(offer)
        answer = self._octets("hello", enrolment.hello(parsed, self.secret, self.nonce))
        if answer.is_success:
            self.challenge = answer.content
        return answer

    def reveal(self, offer: str, nonce: bytes | None = None) -> httpx.Response:
        """Show the nonce."""
        return self._octets("reveal", enrolment.parse_offer(offer).code + (nonce or self.nonce))

    def state(self, offer: str) -> Any:
        """Ask how far it has come."""
        return good(self._octets("state", enrolment.parse_offer(offer).code))["state"]

    def digits(self, offer: str) -> str:
        """What it shows."""
        parsed = enrolment.parse_offer(offer)
        return enrolment.digits(parsed, self.pk, self.challenge, self.nonce)

    def _octets(self, step: str, body: bytes) -> httpx.Response:
        return self.http.post(f"{self.tenant.path}/enrol/{step}", content=body, headers=OCTETS)

    # -- once it is --

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        *,
        secret: bytes = b"",
        headers: Mapping[str, str] = OCTETS,
    ) -> httpx.Response:
        """Send a signed request: GET, or POST with a body."""
        return self.http.send(self.signed(path, body, secret=secret, headers=headers))

    def signed(
        self,
        path: str,
        body: bytes | None = None,
        *,
        secret: bytes = b"",
        headers: Mapping[str, str] = OCTETS,
    ) -> httpx.Request:
        """Return it, to be sent."""
        target = f"{self.tenant.path}{path}"
        host = f"{self.http.base_url.host}:{self.http.base_url.port}"
        method = "GET" if body is None else "POST"
        signed = Request(method, host, target, body_hash(body or b""))
        at, nonce = self.now().ms, os.urandom(16)
        header = sign_request(signed, secret or self.secret, at, nonce)
        said = {"authorization": header} | ({} if body is None else dict(headers))
        return self.http.build_request(method, target, content=body, headers=said)

    def learn(self) -> TrustedRoster:
        """Take in the newest keyset and roster, by every rule of a device."""
        raw = self.http.get(f"{self.tenant.path}/keyset").content
        self.trusted = self.trusted.update([raw], self.now())
        answer = self.ask("/roster")
        assert answer.status_code == 200, answer.text
        self.members = self.members.update(answer.content, self.trusted, self.now())
        assert answer.headers["usher-roster-version"] == str(self.members.version)
        return self.members
