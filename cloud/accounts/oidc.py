"""An outside OpenID Connect issuer, known by its URL alone.

- What the issuer says of itself is fetched from below its URL, must name exactly that URL, and
  is believed for `LASTS`. Addresses are https; plain http only to this machine, and only where
  a setting allows it.
- Its keys are fetched again when a token names one that we lack, and at most every `PAUSE`:
  made-up names in forged tokens don't make us hammer the issuer. A failure is kept for `RETRY`.
- A redirect, an answer that is too long, late, compressed or not JSON is a failure. Nothing of
  an answer gets into an error's text.

Many tasks may use one `Issuer`: one fetches, the others wait for it.
"""

import asyncio
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Final

import httpx
import msgspec

from cloud.accounts import id_token
from cloud.accounts.id_token import Expected, ExternalIdentity, IdTokenRefused
from cloud.accounts.issuer_keys import PublicKey, json_object, read_keys

WELL_KNOWN: Final = "/.well-known/openid-configuration"
LASTS: Final = 3600  # seconds until everything is fetched anew
PAUSE: Final = 60  # seconds between two fetches of the keys
RETRY: Final = 10  # seconds after a failure
LARGEST: Final = 1 << 18  # bytes of an answer
WAIT: Final = 10.0  # seconds for a whole answer
_HOST: Final = re.compile(rb"[a-z0-9._-]+")
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


class IssuerFailed(Exception):
    """The issuer can't be asked, or answers what can't be used; `code` is API."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES[code]


SENTENCES: Final[Mapping[str, str]] = {
    "issuer_address": "The issuer's address must be https, without query and fragment.",
    "issuer_unreachable": "The issuer does not answer.",
    "issuer_answer": "The issuer answers something else than its own description.",
    "issuer_mismatch": "The issuer calls itself by another address.",
    "issuer_keys": "The issuer publishes no key that can be used here.",
}


class _Metadata(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _Known(msgspec.Struct, frozen=True):
    keys: Sequence[PublicKey]
    jwks_uri: str
    since: int  # when the metadata was fetched
    keys_since: int


class Issuer:
    """One outside issuer. `loopback` lets it be plain http on this machine."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, *, loopback: bool = False, wait: float = WAIT
    ) -> None:
        self._client = client
        self._url = url
        self._wait = wait
        self._loopback = loopback
        self._known: _Known | None = None
        self._failure: tuple[str, int] | None = None
        self._lock = asyncio.Lock()
        if "?" in url:
            raise IssuerFailed("issuer_address")
        _check_address(url, loopback)

    async def identify(self, token: str, client_id: str, nonce: str, now: int) -> ExternalIdentity:
        """Return who an ID token proves somebody to be.

        Raises IdTokenRefused for what is wrong with the token and IssuerFailed for the issuer.
        """
        expected = Expected(self._url, client_id, nonce)
        known = await self._current(now)
        try:
            return id_token.verify(token, known.keys, expected, now)
        except IdTokenRefused as refused:
            if refused.code != "id_token_unknown_key":
                raise
        return id_token.verify(token, (await self._renewed(known, now)).keys, expected, now)

    async def _current(self, now: int) -> _Known:
        """Return what is known of the issuer, fetched where it is missing or old."""
        async with self._lock:
            if self._known is None or now >= self._known.since + LASTS:
                self._known = await self._fetch(None, now)
            return self._known

    async def _renewed(self, known: _Known, now: int) -> _Known:
        """Return newer keys than `known`'s, unless they are too new to be fetched again."""
        async with self._lock:
            held = self._known or known
            if now >= held.keys_since + PAUSE:
                held = self._known = await self._fetch(held, now)
            return held

    async def _fetch(self, known: _Known | None, now: int) -> _Known:
        if self._failure is not None and now < self._failure[1] + RETRY:
            raise IssuerFailed(self._failure[0])
        try:
            uri = known.jwks_uri if known else await self._jwks_uri()
            keys = await self._keys(uri)
        except IssuerFailed as failed:
            self._failure = (failed.code, now)
            raise
        self._failure = None
        return _Known(keys, uri, known.since if known else now, now)

    async def _jwks_uri(self) -> str:
        answer = await self._get(self._url.removesuffix("/") + WELL_KNOWN)
        try:
            metadata = msgspec.convert(json_object(answer), _Metadata)
        except ValueError:
            raise IssuerFailed("issuer_answer") from None
        if metadata.issuer != self._url:
            raise IssuerFailed("issuer_mismatch")
        _check_address(metadata.jwks_uri, self._loopback)
        return metadata.jwks_uri

    async def _keys(self, uri: str) -> Sequence[PublicKey]:
        try:
            keys = read_keys(await self._get(uri))
        except ValueError:
            raise IssuerFailed("issuer_answer") from None
        if not keys:
            raise IssuerFailed("issuer_keys")
        return keys

    async def _get(self, url: str) -> bytes:
        try:
            async with (
                asyncio.timeout(self._wait),
                self._client.stream("GET", url, headers=_HEADERS, follow_redirects=False) as answer,
            ):
                return await _body(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise IssuerFailed("issuer_unreachable") from None


async def _body(answer: httpx.Response) -> bytes:
    if answer.status_code != httpx.codes.OK:
        raise IssuerFailed("issuer_answer")
    body = bytearray()
    # Raw: nothing is unpacked, for a packed answer may be a thousand times as long as what came.
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > LARGEST:
            raise IssuerFailed("issuer_answer")
    return bytes(body)


def _check_address(url: str, loopback: bool) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise IssuerFailed("issuer_address") from None
    address = _ip_address(parsed.host)
    local = parsed.host == "localhost" or (address is not None and address.is_loopback)
    named = address is not None or _HOST.fullmatch(parsed.raw_host)
    secure = parsed.scheme == "https" or (parsed.scheme == "http" and loopback and local)
    if not (named and secure) or parsed.fragment or parsed.userinfo:
        raise IssuerFailed("issuer_address")


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
