"""TLS 1.3 between gates: each shows its device key, and proves that it holds it.

OpenSSL insists on a chain and on dates. Neither means anything here: the authority below is
anybody's, its seed stands in the specification, and dates are not looked at. What decides is
the key in the certificate, looked up on the roster (`edge.lan.rules.standing`) by whoever has
called `peer_key` after the handshake (spec/lan.md §1).

The device's secret never becomes a file: OpenSSL reads it from memory that has no name.
"""

import datetime
import os
import ssl
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from edge.store.identity import Identity
from shared.keys import SEED_SIZE

ANYBODYS: Final = b"usher: anybody may have this key"  # the authority's seed (spec/lan.md §1)
FIRST: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
LAST: Final = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
NO_CHECK_TIME: Final = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name
PEM: Final = serialization.Encoding.PEM


def contexts(me: Identity) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what this device listens with, and what it dials with."""
    listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening.num_tickets = 0  # every connection proves both keys anew
    dialling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    dialling.check_hostname = False  # addresses prove nothing on a LAN
    for context in (listening, dialling):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
        context.load_verify_locations(cadata=authority().public_bytes(PEM).decode())
        _show(context, me)
    return listening, dialling


def peer_key(connection: ssl.SSLObject | ssl.SSLSocket) -> bytes | None:
    """Return the Ed25519 key that the other side has proved; None for a key of another kind."""
    shown = connection.getpeercert(binary_form=True)
    if shown is None:
        return None
    try:
        key = x509.load_der_x509_certificate(shown).public_key()
    except Exception:  # noqa: BLE001  whatever the library makes of it: no key, no peer
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


@cache
def authority() -> x509.Certificate:
    """Return the authority that everybody can sign as."""
    key = Ed25519PrivateKey.from_private_bytes(ANYBODYS)
    return _certificate(key.public_key(), "usher-lan", ca=True)


def certificate_of(key: Ed25519PublicKey) -> x509.Certificate:
    """Return a certificate that says nothing but the key."""
    return _certificate(key, "gate", ca=False)


def _certificate(key: Ed25519PublicKey, name: str, *, ca: bool) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "usher-lan")]))
        .public_key(key)
        .serial_number(1)
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .sign(Ed25519PrivateKey.from_private_bytes(ANYBODYS), None)
    )


def _show(context: ssl.SSLContext, me: Identity) -> None:
    """Have a context show this device's key."""
    key = Ed25519PrivateKey.from_private_bytes(me.secret[:SEED_SIZE])
    private = key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    unnamed = os.memfd_create("usher-lan", os.MFD_CLOEXEC)
    try:
        os.write(unnamed, certificate_of(key.public_key()).public_bytes(PEM) + private)
        context.load_cert_chain(f"/proc/self/fd/{unnamed}")
    finally:
        os.close(unnamed)
