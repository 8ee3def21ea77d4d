"""Certificates for the pages, and the TLS context that they are served with.

A venue's own authority issues the certificates of its gates. `make_authority` makes one for
practice and for venues that have none: it can vouch for nothing but the names it was made for,
so that a phone that trusts it is in no danger should its key be stolen.

Keys are NIST P-256: browsers take no Ed25519 certificates.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 397  # browsers refuse what lasts longer
EARLIER: Final = datetime.timedelta(days=1)  # for handhelds whose clock is behind


class BadCertificate(Exception):
    """A certificate or its key can't be used."""


class Issued(NamedTuple):
    """A certificate with what follows it in its chain, and its key; both PEM."""

    certificate: bytes
    key: bytes


def make_authority(name: str, names: Sequence[str], now: datetime.datetime) -> Issued:
    """Return an authority that can vouch for these host names and addresses alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _called(name)
    builder = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([_within(each) for each in names], None), critical=True)
    )
    return _sealed(builder, key, key, b"")


def make_server(authority: Issued, names: Sequence[str], now: datetime.datetime) -> Issued:
    """Return a certificate for a gate that goes by these host names and addresses."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise BadCertificate("the authority's key is of another kind")
    key = ec.generate_private_key(ec.SECP256R1())
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    alternatives = x509.SubjectAlternativeName([_alternative(each) for each in names])
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        _builder(_called(names[0]), issuer.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(usages, critical=False)
        .add_extension(alternatives, critical=False)
        .add_extension(signed_by, critical=False)
    )
    return _sealed(builder, key, signer, authority.certificate)


def expiry(certificate: bytes) -> int:
    """Return until when a certificate holds, in unix seconds: the first of its chain to end."""
    return int(min(each.not_valid_after_utc for each in _chain(certificate)).timestamp())


def names_of(certificate: bytes) -> tuple[str, ...]:
    """Return the host names and addresses that a server certificate vouches for."""
    extensions = _chain(certificate)[0].extensions
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what serves this certificate: TLS 1.3 and nothing older."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        named = next((each for each in (certificate, key) if not each.is_file()), certificate)
        raise BadCertificate(f"{named}: {error.strerror or error}") from None
    return context


def store(issued: Issued, certificate: Path, key: Path) -> None:
    """Write both files; the key for its owner alone, from its first byte on."""
    made = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(made, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(issued.key)
    certificate.write_bytes(issued.certificate)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now - EARLIER + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _sealed(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    chain: bytes,
) -> Issued:
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(builder.sign(signer, hashes.SHA256()).public_bytes(pem) + chain, private)


def _chain(certificate: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(certificate)
    except ValueError as error:
        raise BadCertificate(str(error)) from None


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _within(name: str) -> x509.GeneralName:
    """Return the constraint that permits one name or address."""
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)
