"""Headers that go with every response, whatever it is and whoever makes it."""

from typing import Final

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",  # the decoder in handhelds is WebAssembly
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "media-src 'self' blob:",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
CSP: Final = "; ".join(_POLICY)
# No Strict-Transport-Security: the name may be an address, or another device's tomorrow.
SECURITY: Final[tuple[tuple[str, str], ...]] = (
    ("content-security-policy", CSP),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
)
NOT_STORED: Final = ("cache-control", "no-store")
ENCODED: Final = tuple((name.encode(), value.encode()) for name, value in SECURITY)


def completed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return a response's headers with ours; what says nothing of caches is not kept."""
    said = any(name.lower() == b"cache-control" for name, _ in headers)
    kept = () if said else ((NOT_STORED[0].encode(), NOT_STORED[1].encode()),)
    return [*headers, *ENCODED, *kept]
