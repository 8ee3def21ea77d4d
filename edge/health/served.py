"""The certificate of the staff screens, as it lies on the disk."""

import ipaddress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from edge.health.reading import Certificate
from edge.settings import Settings

AUTHORITY: Final = "ca.crt"  # the venue's own, beside the certificate
PARTS: Final = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
UNUSABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)


def read_certificate(settings: Settings) -> Certificate:
    """Return what the files say, or why they say nothing."""
    folder, web = settings.data_folder, settings.web
    raw = _read(folder / web.certificate)
    if isinstance(raw, str):
        return Certificate(fault=raw)
    try:
        chain = x509.load_pem_x509_certificates(raw)
    except ValueError:
        return Certificate(fault="malformed")
    if fault := _key_fault(chain[0], folder / web.key):
        return Certificate(fault=fault)
    names = _names(chain[0])
    return Certificate(
        missing=tuple(name for name in web.names if not _covered(name, names)),
        since=int(max(each.not_valid_before_utc for each in chain).timestamp()),
        until=int(min(each.not_valid_after_utc for each in chain).timestamp()),
        issued=_issued(chain, folder / AUTHORITY),
    )


def _read(path: Path) -> bytes | str:
    """Return a file's bytes, or the code of why there are none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"


def _key_fault(leaf: x509.Certificate, path: Path) -> str:
    raw = _read(path)
    if isinstance(raw, str):
        return f"key_{raw}"
    try:
        public = serialization.load_pem_private_key(raw, None).public_key()
    except UNUSABLE:
        return "key_malformed"
    same = public.public_bytes(*PARTS) == leaf.public_key().public_bytes(*PARTS)
    return "" if same else "key_other"


def _names(leaf: x509.Certificate) -> frozenset[str]:
    try:
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = (str(each) for each in held.get_values_for_type(x509.IPAddress))
    hosts = (each.lower() for each in held.get_values_for_type(x509.DNSName))
    return frozenset((*addresses, *hosts))


def _covered(name: str, names: frozenset[str]) -> bool:
    """Whether browsers take a name for one of these; a star stands for one label."""
    try:
        return str(ipaddress.ip_address(name)) in names
    except ValueError:
        host = name.lower()
        return host in names or f"*.{host.partition('.')[2]}" in names


def _issued(chain: list[x509.Certificate], path: Path) -> bool | None:
    """Whether an authority's signature is found on the chain; None where it is not known."""
    raw = _read(path)
    if isinstance(raw, str):
        return None
    try:
        authorities = x509.load_pem_x509_certificates(raw)
    except ValueError:
        return None
    return any(_signed(each, by) for each in chain for by in authorities)


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (*UNUSABLE, InvalidSignature):
        return False
    return True
